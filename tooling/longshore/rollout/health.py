"""One question to a health URL: whatever answers there, it costs no more than its time, and ends in a sentence."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

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


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


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
    Thread(target=lambda: found.put(_try(url, status, ends_at)), daemon=True).start()
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
    except urllib.error.URLError as error:
        return _unreachable(error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return _unreachable(error)


def _unreachable(reason: object) -> str:
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
    opener = urllib.request.build_opener(_NoRedirects)
    left = max(0.01, ends_at - time.monotonic())
    try:
        with opener.open(url, timeout=left) as answer:
            return Answer(answer.status, _body(answer, ends_at), answer.headers.get("Location"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _body(error, ends_at), error.headers.get("Location"))


def _body(answer: Any, ends_at: float) -> str:
    """The body, as long as it is short and comes in time."""
    body = b""
    while chunk := answer.read1(_CHUNK):
        body += chunk
        if len(body) > BODY_BYTES:
            raise _UnfitError(f"answers with more than {BODY_BYTES // 1024} KiB")
        if time.monotonic() > ends_at:
            raise _UnfitError("did not end its answer in time")
    return body.decode(errors="replace")
