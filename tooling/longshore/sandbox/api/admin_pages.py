"""The sandbox's own pages, /_sandbox/*: status, requests, faults, settings, builds and repositories."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from longshore.sandbox.api.faults import FaultError, Faults, parse
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.routing import Route, Router, json_response

_PAGES = (
    "/_sandbox/status, /_sandbox/requests?since=N, /_sandbox/faults, /_sandbox/settings, /_sandbox/builds, "
    "/_sandbox/push, /_sandbox/repositories\n"
)


class Configurable(Protocol):
    """A part of the sandbox with settings."""

    def settings(self) -> dict[str, float]:
        """The settings by name."""

    def set(self, name: str, value: float) -> None:
        """Change a setting.

        Raises:
            ValueError: there is no such setting, or the value is not valid.
        """


class CodeBuildAdmin(Protocol):
    """The administration of CodeBuild."""

    def outcomes(self) -> list[dict[str, Any]]:
        """The outcomes that are prescribed for the next builds."""

    def prescribe(self, document: dict[str, Any]) -> None:
        """Prescribe the outcome of a build.

        Raises:
            ValueError: a field is not valid.
        """

    def clear(self) -> None:
        """Discard the prescribed outcomes."""

    def push(self, document: dict[str, Any]) -> list[str]:
        """Call the webhooks of a push, and return a line about each build.

        Raises:
            ValueError: there is no such repository.
        """

    def repositories(self) -> dict[str, str]:
        """The folder of each repository, by name."""

    def make_repository(self, name: str) -> str:
        """The folder of a repository, created if missing.

        Raises:
            ValueError: the name is not valid.
        """


class AdminPages:
    """Answers requests to /_sandbox/*.

    Args:
        log: the request log.
        faults: the faults of the AWS API.
        status: returns the answer of /_sandbox/status.
        configurable: the parts of the sandbox that have settings.
        codebuild: the administration of CodeBuild; None if there is no CodeBuild.
    """

    def __init__(
        self,
        log: RequestLog,
        faults: Faults,
        status: Callable[[], dict[str, Any]],
        configurable: tuple[Configurable, ...] = (),
        codebuild: CodeBuildAdmin | None = None,
    ) -> None:
        self._log = log
        self._faults = faults
        self._configurable = configurable
        routes: list[Route[object]] = [
            ("GET", "/_sandbox/status", lambda _: status()),
            ("GET", "/_sandbox/requests", self._requests),
            ("GET", "/_sandbox/faults", lambda _: faults.rows()),
            ("POST", "/_sandbox/faults", self._add_fault),
            ("DELETE", "/_sandbox/faults", self._clear_faults),
            ("GET", "/_sandbox/settings", lambda _: self._settings()),
            ("POST", "/_sandbox/settings", self._change_settings),
        ]
        self._router = Router(routes + (_build_routes(codebuild) if codebuild else []))

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        try:
            return json_response(self._router.answer(request))
        except (NotFound, MethodNotAllowed):
            return Response(_PAGES, 404)
        except (FaultError, KeyError, ValueError, TypeError) as error:
            return Response(f"{error}\n", 400)

    def _requests(self, request: Request) -> object:
        since = request.args.get("since", "0")
        return self._log.since(int(since) if since.isdigit() else 0)

    def _add_fault(self, request: Request) -> object:
        self._faults.add(parse(_document(request)))
        return self._faults.rows()

    def _clear_faults(self, request: Request) -> object:
        self._faults.clear(int(request.args["id"]) if "id" in request.args else None)
        return self._faults.rows()

    def _settings(self) -> dict[str, float]:
        return {name: value for part in self._configurable for name, value in part.settings().items()}

    def _change_settings(self, request: Request) -> object:
        owners = {name: part for part in self._configurable for name in part.settings()}
        for name, value in _document(request).items():
            if name not in owners:
                raise ValueError(f"{name}: unknown setting; the settings are {', '.join(owners)}")
            owners[name].set(name, float(value))
        return self._settings()


def _build_routes(codebuild: CodeBuildAdmin) -> list[Route[object]]:
    """The routes of the pages about CodeBuild."""

    def prescribe(request: Request) -> object:
        codebuild.prescribe(_document(request))
        return codebuild.outcomes()

    def clear(_request: Request) -> object:
        codebuild.clear()
        return codebuild.outcomes()

    def make_repository(request: Request) -> object:
        name = _document(request)["name"]
        return {name: codebuild.make_repository(name)}

    return [
        ("GET", "/_sandbox/builds", lambda _: codebuild.outcomes()),
        ("POST", "/_sandbox/builds", prescribe),
        ("DELETE", "/_sandbox/builds", clear),
        ("POST", "/_sandbox/push", lambda request: {"lines": codebuild.push(_document(request))}),
        ("GET", "/_sandbox/repositories", lambda _: codebuild.repositories()),
        ("POST", "/_sandbox/repositories", make_repository),
    ]


def _document(request: Request) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(request.get_data())
    return document
