"""One question to a health URL: whatever answers there, it costs no more than its time, and ends in a sentence."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from longshore.masking import Masks

BODY_BYTES = 1024 * 1024
REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_SHOWN = 200
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What a URL answered."""

    status: int
    body: str
    location: str | None = None


class _UnfitError(Exception):
    """An answer that is none; its text says why."""


def ask(url: str, status: int, text: str, seconds: float, masks: Masks) -> str | None:
    """Asks a URL once, following redirects on its own host only.

    Args:
        url: where.
        status: the HTTP status that it must answer with.
        text: what the body must contain.
        seconds: the time that all of it may take.
        masks: what is not to be shown of its answer.

    Returns:
        None if it answered so; else what was wrong, to be read after the URL.
    """
    found: SimpleQueue[Answer | str] = SimpleQueue()
    ends_at = time.monotonic() + seconds
    # In a thread: a server that sends a byte now and then keeps every time-out of a socket from running out.
    Thread(target=lambda: found.put(_try(url, status, ends_at)), name="health check", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except Empty:
        return f"did not answer within {seconds:g} s"
    return answer if isinstance(answer, str) else _judge(answer, status, text, masks)


def _judge(answer: Answer, status: int, text: str, masks: Masks) -> str | None:
    # Masked before it is cut, and before repr() writes it otherwise: a secret would not be recognised any more.
    said = f": {masks.mask_untrusted(answer.body)[:_SHOWN]!r}" if answer.body else ""
    if answer.status != status:
        return f"answered {answer.status}, not {status}{said}"
    return None if text in answer.body else f"answered without {text!r}{said}"


def _try(url: str, status: int, ends_at: float) -> Answer | str:
    try:
        return _follow(url, status, ends_at)
    except _UnfitError as error:
        return str(error)
    except (HTTPError, ValueError) as error:
        return _unreachable(error)


def _unreachable(error: BaseException) -> str:
    reason = error
    while isinstance(reason, HTTPError) and (inner := reason.__cause__ or reason.__context__):
        reason = inner  # urllib3 wraps the reason that a person understands
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"has a certificate that can't be trusted: {reason.verify_message}"
    if isinstance(reason, ssl.SSLError):
        return f"does not speak TLS as it should: {reason.reason or reason}"
    return f"did not answer: {reason or type(reason).__name__}"


def _follow(url: str, status: int, ends_at: float) -> Answer:
    place = url
    for _ in range(REDIRECTS + 1):
        answer = _fetch(place, ends_at)
        if answer.status == status or answer.status not in _REDIRECTS or not answer.location:
            return answer
        there = urljoin(place, answer.location)
        if urlsplit(there)[:2] != urlsplit(url)[:2]:
            raise _UnfitError(f"redirects to another place, {there}, which is not asked")
        place = there
    raise _UnfitError(f"redirects more than {REDIRECTS} times")


def _fetch(url: str, ends_at: float) -> Answer:
    pool = _pool(url, max(0.01, ends_at - time.monotonic()))
    with pool, pool.request("GET", url, redirect=False, preload_content=False, enforce_content_length=False) as answer:
        return Answer(answer.status, _body(answer, ends_at), answer.headers.get("Location"))


def _pool(url: str, seconds: float) -> urllib3.PoolManager:
    """Connects as urllib.request does: by the proxies of the environment, with the certificates that OpenSSL trusts."""
    target = urlsplit(url)
    if target.scheme not in ("http", "https"):
        raise ValueError(f"unknown url type: {url}")  # urllib3 takes a URL without a scheme for HTTP
    options: dict[str, Any] = {"headers": {"Connection": "close"}, "timeout": seconds, "retries": False}
    if target.scheme == "https":
        options["ssl_context"] = ssl.create_default_context()
    proxy = "" if proxy_bypass(target.netloc) else getproxies().get(target.scheme, "")
    if not proxy:
        return urllib3.PoolManager(**options)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if target.scheme == "https":
        parts = parts._replace(scheme="http")  # the tunnel is asked for in plain HTTP, whatever the proxy's scheme
    login = make_headers(proxy_basic_auth=unquote(f"{parts.username}:{parts.password}")) if parts.password else None
    return urllib3.ProxyManager(parts.geturl(), proxy_headers=login, **options)


def _body(response: urllib3.BaseHTTPResponse, ends_at: float) -> str:
    """The body, as long as it is short and comes in time."""
    body = b""
    while chunk := response.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > BODY_BYTES:
            raise _UnfitError(f"answers with more than {BODY_BYTES // 1024} KiB")
        if time.monotonic() > ends_at:
            raise _UnfitError("did not end its answer in time")
    return body.decode(errors="replace")
