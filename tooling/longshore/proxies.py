"""The proxy for a URL, by the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY of this process."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


def is_local(url: str) -> bool:
    """Whether a URL is on this machine; no proxy could reach it."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def proxy_of(url: str) -> str:
    """The URL of the proxy, with its login if it has one; empty for none. A local URL has none, as in Go."""
    parts = urlsplit(url)
    if is_local(url) or proxy_bypass(parts.netloc):
        return ""
    proxy = getproxies().get(parts.scheme, "")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def spelled_alike(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which both spellings of each proxy variable have the same value.

    Python prefers the lower-case spelling, and Go, and so Terraform, the upper-case one.
    """
    lower = {name: environ[name] for name in _VARIABLES if name in environ}
    return {**environ, **{name.upper(): value for name, value in lower.items()}}
