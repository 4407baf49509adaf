"""The sandbox's own pages, /_sandbox/*: what runs, what was called, and what an operator sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs

from longshore.sandbox.api.credentials import Answer, body_of
from longshore.sandbox.api.faults import FaultError, Faults, parse
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.serving import Environ

_ALL = (
    b"/_sandbox/status, /_sandbox/requests?since=N, /_sandbox/faults, /_sandbox/settings, /_sandbox/builds, "
    b"/_sandbox/push, /_sandbox/repositories\n"
)


class Adjustable(Protocol):
    """Something with settings."""

    def settings(self) -> dict[str, float]:
        """The settings by name."""

    def set(self, name: str, value: float) -> None:
        """Change one.

        Raises:
            ValueError: there is none of that name, or the value is not allowed.
        """


class Builder(Protocol):
    """CodeBuild, as the pages see it."""

    def outcomes(self) -> list[dict[str, Any]]:
        """The outcomes that are prescribed for builds to come."""

    def prescribe(self, document: dict[str, Any]) -> None:
        """Prescribe one.

        Raises:
            ValueError: a field is not as it must be.
        """

    def clear(self) -> None:
        """Prescribe none any more."""

    def push(self, document: dict[str, Any]) -> list[str]:
        """Call the webhooks of a push; what came of it, a line each.

        Raises:
            ValueError: there is no such repository.
        """

    def repositories(self) -> dict[str, str]:
        """Where each repository lies, by name."""

    def make_repository(self, name: str) -> str:
        """Make a repository, or find it; where it lies.

        Raises:
            ValueError: none can be called so.
        """


class Pages:
    """Answers requests for /_sandbox/*.

    Args:
        log: of the calls.
        faults: that are set.
        status: what runs.
        adjustable: what has settings.
        builder: CodeBuild; None where there is none.
    """

    def __init__(
        self,
        log: RequestLog,
        faults: Faults,
        status: Callable[[], dict[str, Any]],
        adjustable: tuple[Adjustable, ...] = (),
        builder: Builder | None = None,
    ) -> None:
        self._log = log
        self._faults = faults
        self._status = status
        self._adjustable = adjustable
        self._builder = builder

    def answer(self, environ: Environ) -> Answer:
        """Answer one request."""
        name, method = environ["PATH_INFO"].removeprefix("/_sandbox/"), environ["REQUEST_METHOD"]
        if method != "GET" and ("HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ):
            return 403, "text/plain", b"Not from a web page.\n"
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        try:
            found = self._find(name, method, query, environ)
        except (FaultError, KeyError, ValueError, TypeError) as error:
            return 400, "text/plain", f"{error}\n".encode()
        return (404, "text/plain", _ALL) if found is None else (200, "application/json", json.dumps(found).encode())

    def _find(self, name: str, method: str, query: dict[str, str], environ: Environ) -> object:
        """What a page says; None where there is no such page."""
        if name == "faults":
            return self._change_faults(method, query, environ)
        if name == "settings":
            return self._change_settings(method, environ)
        if self._builder and name in ("builds", "push", "repositories"):
            return _ask(self._builder, name, method, environ)
        if name == "requests":
            since = query.get("since", "0")
            return self._log.since(int(since) if since.isdigit() else 0)
        return self._status() if name == "status" else None

    def _change_faults(self, method: str, query: dict[str, str], environ: Environ) -> list[dict[str, Any]]:
        """The faults, after what was asked for."""
        if method == "POST":
            self._faults.add(parse(json.loads(body_of(environ))))
        elif method == "DELETE":
            self._faults.clear(int(query["id"]) if "id" in query else None)
        return self._faults.rows()

    def _change_settings(self, method: str, environ: Environ) -> dict[str, float]:
        """The settings, after what was asked for."""
        owners = {name: each for each in self._adjustable for name in each.settings()}
        if method == "POST":
            for name, value in json.loads(body_of(environ)).items():
                if name not in owners:
                    raise ValueError(f"{name}: unknown; known are {', '.join(owners)}")
                owners[name].set(name, float(value))
        return {name: each.settings()[name] for name, each in owners.items()}


def _ask(builder: Builder, name: str, method: str, environ: Environ) -> object:
    """What CodeBuild's pages say."""
    given = json.loads(body_of(environ)) if method == "POST" else {}
    if name == "push":
        return {"lines": builder.push(given)} if method == "POST" else None
    if name == "repositories":
        return {given["name"]: builder.make_repository(given["name"])} if given else builder.repositories()
    if method == "DELETE":
        builder.clear()
    elif given:
        builder.prescribe(given)
    return builder.outcomes()
