"""Terraform Cloud's API: JSON:API documents over HTTP, with its rate limits, and its errors as Longshore's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import urllib3
from urllib3.util import make_headers, parse_url

from longshore.clock import Clock
from longshore.errors import CloudError
from longshore.proxies import proxy_of

_ATTEMPTS = 6
"""Attempts of a call that may be repeated."""
_THROTTLED_ATTEMPTS = 30
"""Attempts of a call that the rate limit refuses."""
_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_CHECK_HOSTNAME = "Check terraform.cloud.hostname in invoke.yaml."
_CONTENT_TYPE = "application/vnd.api+json"


@dataclass(frozen=True)
class Response:
    """An HTTP response; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Makes one HTTP request, without following redirects and without retries."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """The response.

        Raises:
            OSError: there was none.
        """


class HttpTransport:
    """The transport that uses urllib3."""

    def __init__(self) -> None:
        self._pools: dict[str, urllib3.PoolManager] = {}

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """The response.

        Raises:
            OSError: there was none.
        """
        try:
            response = self._pool(url).request(method, url, headers=dict(headers), body=body, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, lowered, response.data)

    def _pool(self, url: str) -> urllib3.PoolManager:
        """The pool for the proxy that HTTPS_PROXY and NO_PROXY select, as with boto3 and terraform."""
        proxy = proxy_of(url)
        if proxy not in self._pools:
            timeout = urllib3.Timeout(connect=10, read=60)
            headers = make_headers(proxy_basic_auth=unquote(auth)) if (auth := parse_url(proxy).auth) else None
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, proxy_headers=headers, timeout=timeout, retries=False)
                if proxy
                else urllib3.PoolManager(timeout=timeout, retries=False)
            )
        return self._pools[proxy]


@dataclass(frozen=True)
class Api:
    """The API of one host.

    Args:
        url: of the host, such as ``https://app.terraform.io``.
        token: of a user or a team.
        transport: makes the requests.
        clock: sleeps between attempts.
    """

    url: str
    token: str = field(repr=False)
    transport: Transport
    clock: Clock

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Reads a document.

        Raises:
            CloudError: it does not exist, the token may not read it, or no attempt was answered.
        """
        return _document(self._call("GET", f"{self._full(path)}{_query(query)}", None, repeat=True))

    def send(self, method: str, path: str, document: object) -> dict[str, Any]:
        """Writes a document, once; only a call that the rate limit refused is repeated.

        Raises:
            CloudError: the call was refused, or, if the error is `open`, may have taken effect.
        """
        body = json.dumps(document).encode()
        return _document(self._call(method, self._full(path), body, repeat=False))

    def download(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """Reads a file, from a path of the API or from a signed URL."""
        url = f"{self._full(path)}{_query(query)}"
        for _ in range(_REDIRECTS):
            response = self._call("GET", url, None, repeat=True)
            if response.status not in _REDIRECT_STATUSES:
                return response.body
            url = _joined(url, response.headers.get("location", ""))
        raise CloudError(f"too many redirects from Terraform Cloud (more than {_REDIRECTS})")

    def upload(self, url: str, content: bytes) -> None:
        """Writes a file to a signed URL; safe to repeat."""
        self._call("PUT", url, content, repeat=True)

    def _full(self, path: str) -> str:
        return path if "://" in path else f"{self.url}{path if path.startswith('/') else f'/api/v2/{path}'}"

    def _call(self, method: str, url: str, body: bytes | None, *, repeat: bool) -> Response:
        call = f"{method} {url.partition('?')[0] if self._is_api_url(url) else 'of a stored file'}"
        refused = failed = 0
        while True:
            response = self._try(method, url, body)
            if response.status == 429 and (refused := refused + 1) < _THROTTLED_ATTEMPTS:
                self.clock.sleep(_retry_after(response))
            elif repeat and (response.status == 0 or response.status >= 500) and (failed := failed + 1) < _ATTEMPTS:
                self.clock.sleep(min(_PAUSE * 2 ** (failed - 1), _LONGEST_PAUSE))
            else:
                break
        if response.status == 0 or response.status >= 400:
            raise _error(call, response)
        return response

    def _try(self, method: str, url: str, body: bytes | None) -> Response:
        headers = {"Content-Type": _CONTENT_TYPE if self._is_api_url(url) else "application/octet-stream"}
        # A signed URL of the storage contains its own permission: it must not see the token.
        headers |= {"Authorization": f"Bearer {self.token}"} if self._is_api_url(url) else {}
        try:
            return self.transport(method, url, headers, body)
        except (OSError, ValueError) as error:  # a signed URL that is malformed is a ValueError
            return Response(0, {}, str(error).encode(errors="replace"))

    def _is_api_url(self, url: str) -> bool:
        return url.startswith(f"{self.url}/api/v2/")


def _query(query: Mapping[str, str | int] | None) -> str:
    return f"?{urlencode(query)}" if query else ""


def _retry_after(response: Response) -> float:
    """Seconds until a refused call may be repeated, by the headers of the response."""
    seconds = response.headers.get("retry-after") or response.headers.get("x-ratelimit-reset") or ""
    try:
        return max(0.05, min(_LONGEST_PAUSE, float(seconds)))  # in this order, NaN is the longest pause
    except ValueError:
        return _PAUSE


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise CloudError("Terraform Cloud redirects to an invalid URL", _CHECK_HOSTNAME) from None


def _document(response: Response) -> dict[str, Any]:
    if response.status in _REDIRECT_STATUSES:
        # Only the host is shown: the rest of the URL may contain a permission.
        target = urlsplit(_joined("", response.headers.get("location", ""))).netloc or "another host"
        raise CloudError(
            f"this host is not Terraform Cloud's API: it redirects to {target}", _CHECK_HOSTNAME, response.status
        )
    if not response.body.strip():
        return {}
    try:
        return dict(json.loads(response.body))
    except (ValueError, TypeError, RecursionError):
        raise CloudError("the response from Terraform Cloud is not JSON", _CHECK_HOSTNAME, response.status) from None


def _error(call: str, response: Response) -> CloudError:
    if response.status == 0:
        reason = response.body.decode(errors="replace")
        return CloudError(f"Terraform Cloud did not answer {call}: {reason}", "Check the network, then try again.")
    hints = {
        401: "The token is no longer valid. Run terraform login, or set the variable TF_TOKEN_….",
        403: "The token may not do this. Use a team's or user's token that has access to the workspace.",
        404: "It does not exist, or the token may not see it.",
        429: "There were too many calls with this token. Wait a few minutes, then try again.",
    }
    return CloudError(
        f"Terraform Cloud: {call}: {response.status} {_details(response)}",
        hints.get(response.status, ""),
        response.status,
    )


def _details(response: Response) -> str:
    try:
        errors = json.loads(response.body)["errors"]
        text = "; ".join(str(error.get("detail") or error.get("title")) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = response.body.decode(errors="replace")[:200]
    return "".join(letter if letter.isprintable() else " " for letter in text)
