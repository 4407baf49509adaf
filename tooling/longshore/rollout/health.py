"""Requests a health URL once, within a time limit that covers everything."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from longshore.masking import Masks
from longshore.proxies import proxy_of
from longshore.rollout.expected_text import ExpectedText

BODY_BYTES = 1024 * 1024
REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_SHOWN_CHARACTERS = 200
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """The answer of a URL."""

    status: int
    body: str
    location: str | None = None


class _UnusableError(Exception):
    """The answer is unusable; the message says why."""


def ask(url: str, status: int, text: ExpectedText, seconds: float, masks: Masks) -> str | None:
    """Requests a URL once; redirects are followed on the same host only.

    Args:
        url: the URL.
        status: the expected HTTP status.
        text: the text that the body must contain.
        seconds: the time limit for the request, its redirects and the body.
        masks: hides secrets in the answer.

    Returns:
        None if the answer is as expected; otherwise the problem, as a sentence whose subject is the URL.
    """
    answers: SimpleQueue[Answer | str] = SimpleQueue()
    ends_at = time.monotonic() + seconds
    # In a thread: a server that sends a byte now and then never lets the timeout of a socket expire.
    Thread(target=lambda: answers.put(_try(url, status, ends_at)), name="health check", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        return f"did not answer within {seconds:g} s"
    return answer if isinstance(answer, str) else _judge(answer, status, text, masks)


def _judge(answer: Answer, status: int, text: ExpectedText, masks: Masks) -> str | None:
    # Mask before truncating and before repr(): a secret would no longer be recognised.
    body = f": {masks.mask_untrusted(answer.body)[:_SHOWN_CHARACTERS]!r}" if answer.body else ""
    if answer.status != status:
        return f"answered {answer.status}, not {status}{body}"
    return None if text.is_in(answer.body) else f"answered without {str(text)!r}{body}"


def _try(url: str, status: int, ends_at: float) -> Answer | str:
    try:
        return _follow(url, status, ends_at)
    except _UnusableError as error:
        return str(error)
    except (HTTPError, OSError, ValueError) as error:
        return _unreachable(error)


def _unreachable(error: BaseException) -> str:
    reason = error
    while isinstance(reason, HTTPError) and (inner := reason.__cause__ or reason.__context__):
        reason = inner  # urllib3 wraps the error of the socket, which names the reason
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"has a certificate that cannot be trusted: {reason.verify_message}"
    if isinstance(reason, ssl.SSLError):
        return f"failed the TLS handshake: {reason.reason or reason}"
    return f"did not answer: {reason or type(reason).__name__}"


def _follow(url: str, status: int, ends_at: float) -> Answer:
    current = url
    for _ in range(REDIRECTS + 1):
        answer = _fetch(current, ends_at)
        if answer.status == status or answer.status not in _REDIRECTS or not answer.location:
            return answer
        target = urljoin(current, answer.location)
        if urlsplit(target)[:2] != urlsplit(url)[:2]:
            raise _UnusableError(f"redirects to {target}; only redirects to the same scheme and host are followed")
        current = target
    raise _UnusableError(f"redirects more than {REDIRECTS} times")


def _fetch(url: str, ends_at: float) -> Answer:
    pool = _pool(url, max(0.01, ends_at - time.monotonic()))
    with pool, pool.request("GET", url, redirect=False, preload_content=False, enforce_content_length=False) as answer:
        return Answer(answer.status, _body(answer, ends_at), answer.headers.get("Location"))


def _pool(url: str, seconds: float) -> urllib3.PoolManager:
    """Uses the proxies of the environment, and the certificates that OpenSSL trusts, as urllib.request does."""
    target = urlsplit(url)
    if target.scheme not in ("http", "https"):
        raise ValueError(f"unknown url type: {url}")  # urllib3 would assume HTTP for a URL without a scheme
    options: dict[str, Any] = {"headers": {"Connection": "close"}, "timeout": seconds, "retries": False}
    if target.scheme == "https":
        options["ssl_context"] = ssl.create_default_context()
    proxy = proxy_of(url)
    if not proxy:
        return urllib3.PoolManager(**options)
    parts = urlsplit(proxy)
    if target.scheme == "https":
        parts = parts._replace(scheme="http")  # the tunnel is requested over plain HTTP, even from an https:// proxy
    login = make_headers(proxy_basic_auth=unquote(f"{parts.username}:{parts.password}")) if parts.password else None
    return urllib3.ProxyManager(parts.geturl(), proxy_headers=login, **options)


def _body(response: urllib3.BaseHTTPResponse, ends_at: float) -> str:
    """Reads the body up to the limits of size and time."""
    body = b""
    while chunk := response.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > BODY_BYTES:
            raise _UnusableError(f"answers with more than {BODY_BYTES // 1024} KiB")
        if time.monotonic() > ends_at:
            raise _UnusableError("did not finish its answer in time")
    return body.decode(errors="replace")
