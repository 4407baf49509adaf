"""Terraform Cloud's API over HTTP: JSON:API documents, its limits honoured, its errors made ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.util import make_headers, parse_url

from longshore.clock import Clock
from longshore.errors import CloudError

_TRIES = 6
"""So often a call is made that may be repeated."""
_THROTTLED = 30
"""So often a call is made that was refused because there were too many."""
_PAUSE = 1.0
_LONGEST = 30.0
_REDIRECTS = 5
_REDIRECTS_TO = frozenset({301, 302, 303, 307, 308})
_HOSTNAME = "Is terraform.cloud.hostname right?"
_CONTENT = "application/vnd.api+json"


@dataclass(frozen=True)
class Response:
    """An answer of HTTP; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """One request over HTTP, without redirects or repetition."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Makes it.

        Raises:
            OSError: there was no answer.
        """


class HttpTransport:
    """The transport of real life."""

    def __init__(self) -> None:
        self._pools: dict[str, urllib3.PoolManager] = {}

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Makes a request.

        Raises:
            OSError: there was no answer.
        """
        try:
            found = self._pool(url).request(method, url, headers=dict(headers), body=body, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        return Response(found.status, {name.lower(): value for name, value in found.headers.items()}, found.data)

    def _pool(self, url: str) -> urllib3.PoolManager:
        """By the proxy that the environment names (HTTPS_PROXY, NO_PROXY), as boto3 and terraform go."""
        proxy = _proxy(url)
        if proxy not in self._pools:
            timeout = urllib3.Timeout(connect=10, read=60)
            signed = make_headers(proxy_basic_auth=unquote(auth)) if (auth := parse_url(proxy).auth) else None
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, proxy_headers=signed, timeout=timeout, retries=False)
                if proxy
                else urllib3.PoolManager(timeout=timeout, retries=False)
            )
        return self._pools[proxy]


@dataclass(frozen=True)
class Api:
    """The API of one host.

    Args:
        url: where it answers, such as ``https://app.terraform.io``.
        token: of a user or a team.
        transport: makes the requests.
        clock: lets the time pass until a call may be repeated.
    """

    url: str
    token: str = field(repr=False)
    transport: Transport
    clock: Clock

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Reads a document.

        Raises:
            CloudError: it is not there, or may not be read, or there was no answer however often it was asked.
        """
        return _document(self._call("GET", f"{self._full(path)}{_query(query)}", None, repeat=True))

    def send(self, method: str, path: str, document: object) -> dict[str, Any]:
        """Writes, once: only where the call was refused because there were too many is it made again.

        Raises:
            CloudError: it was refused; or, if it is `open`, nobody knows.
        """
        body = json.dumps(document).encode()
        return _document(self._call(method, self._full(path), body, repeat=False))

    def download(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """Reads what is no document, from a path of the API or from a URL that holds its own permission."""
        url = f"{self._full(path)}{_query(query)}"
        for _ in range(_REDIRECTS):
            answer = self._call("GET", url, None, repeat=True)
            if answer.status not in _REDIRECTS_TO:
                return answer.body
            url = urljoin(url, answer.headers.get("location", ""))
        raise CloudError(f"Terraform Cloud sends from one place to the next, more than {_REDIRECTS} times")

    def upload(self, url: str, content: bytes) -> None:
        """Writes to a URL that holds its own permission; the same once more does no harm."""
        self._call("PUT", url, content, repeat=True)

    def _full(self, path: str) -> str:
        return path if "://" in path else f"{self.url}{path if path.startswith('/') else f'/api/v2/{path}'}"

    def _call(self, method: str, url: str, body: bytes | None, *, repeat: bool) -> Response:
        what = f"{method} {url.partition('?')[0] if self._is_api_url(url) else 'of a stored file'}"
        refused = failed = 0
        while True:
            answer = self._try(method, url, body)
            if answer.status == 429 and (refused := refused + 1) < _THROTTLED:
                self.clock.sleep(_retry_after(answer))
            elif repeat and (answer.status == 0 or answer.status >= 500) and (failed := failed + 1) < _TRIES:
                self.clock.sleep(min(_PAUSE * 2 ** (failed - 1), _LONGEST))
            else:
                break
        if answer.status == 0 or answer.status >= 400:
            raise _error(what, answer)
        return answer

    def _try(self, method: str, url: str, body: bytes | None) -> Response:
        headers = {"Content-Type": _CONTENT if self._is_api_url(url) else "application/octet-stream"}
        # A URL of the storage holds its own permission: the token is nobody's business there.
        headers |= {"Authorization": f"Bearer {self.token}"} if self._is_api_url(url) else {}
        try:
            return self.transport(method, url, headers, body)
        except OSError as error:
            return Response(0, {}, str(error).encode())

    def _is_api_url(self, url: str) -> bool:
        return url.startswith(f"{self.url}/api/v2/")


def _proxy(url: str) -> str:
    """The proxy for a URL; empty for none, as for what is on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return ""
    found = getproxies().get(parts.scheme, "")
    return found if not found or "://" in found else f"http://{found}"


def _query(query: Mapping[str, str | int] | None) -> str:
    return f"?{urlencode(query)}" if query else ""


def _retry_after(answer: Response) -> float:
    """Seconds until a refused call may be made again, as the answer says."""
    said = answer.headers.get("retry-after") or answer.headers.get("x-ratelimit-reset") or ""
    try:
        return min(max(float(said), 0.05), _LONGEST)
    except ValueError:
        return _PAUSE


def _document(answer: Response) -> dict[str, Any]:
    if answer.status in _REDIRECTS_TO:
        # No more than the host: what follows it may be a permission.
        where = urlsplit(answer.headers.get("location", "")).netloc or "elsewhere"
        raise CloudError(f"Terraform Cloud's API is not here: it sends to {where}", _HOSTNAME, answer.status)
    if not answer.body.strip():
        return {}
    try:
        return dict(json.loads(answer.body))
    except (ValueError, TypeError):
        raise CloudError("Terraform Cloud's answer is no JSON", _HOSTNAME, answer.status) from None


def _error(what: str, answer: Response) -> CloudError:
    if answer.status == 0:
        reason = answer.body.decode(errors="replace")
        return CloudError(f"Terraform Cloud did not answer {what}: {reason}", "Look at the network, then try again.")
    hints = {
        401: "The token is not valid any more: terraform login, or the variable TF_TOKEN_….",
        403: "The token may not do this: a team's or user's token with access to the workspace is needed.",
        404: "It is not there, or the token may not see it.",
        429: "Too many calls with this token: wait a while.",
    }
    return CloudError(
        f"Terraform Cloud: {what}: {answer.status} {_details(answer)}", hints.get(answer.status, ""), answer.status
    )


def _details(answer: Response) -> str:
    try:
        errors = json.loads(answer.body)["errors"]
        return "; ".join(str(one.get("detail") or one.get("title")) for one in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.body.decode(errors="replace")[:200]
