"""The sandbox's AWS API: moto's, with admin pages, credentials, faults and a request log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moto import backends
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from longshore.sandbox.api.admin_pages import AdminPages, CodeBuildAdmin, Configurable
from longshore.sandbox.api.credentials import AccessKeys, identify, role_of
from longshore.sandbox.api.fault_injection import FAULT_KIND, FaultInjector, reply
from longshore.sandbox.api.faults import Faults
from longshore.sandbox.api.not_played import Played
from longshore.sandbox.api.repeated_calls import RepeatedCalls
from longshore.sandbox.api.request_log import RequestLog, parameters_of
from longshore.sandbox.serving import Application, Environ, StartResponse

_FOR_ITS_OWNER = Response("Send the secret access key of state.json: Authorization: Bearer KEY\n", 401)
"""The response to a request of the sandbox's own pages without its token."""


class AwsApi:
    """The AWS API, as a WSGI application.

    Args:
        application: moto's application.
        keys: the access keys that are accepted.
        log: the request log.
        status: returns the answer of GET /_sandbox/status.
        configurable: the parts of the sandbox that have settings.
        codebuild: the administration of CodeBuild; None if there is no CodeBuild.
    """

    def __init__(
        self,
        application: Application,
        keys: AccessKeys,
        log: RequestLog,
        status: Callable[[], dict[str, Any]],
        configurable: tuple[Configurable, ...] = (),
        codebuild: CodeBuildAdmin | None = None,
    ) -> None:
        self.faults = Faults()
        self._application = FaultInjector(RepeatedCalls(application), self.faults)
        self._keys = keys
        self._log = log
        self._pages = AdminPages(log, self.faults, status, configurable, codebuild)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"].startswith("/_sandbox/"):
            response = self._pages.answer(Request(environ)) if self._keys.owns(environ) else _FOR_ITS_OWNER
            return response(environ, start_response)
        caller = identify(environ)
        parameters = parameters_of(caller, environ)

        def record(status: str, *rest: Any) -> Any:
            fault = environ.get(FAULT_KIND, "")
            role = role_of(caller)
            self._log.add(caller.service, caller.operation, int(status[:3]), parameters, fault=fault, caller=role)
            return start_response(status, *rest)

        refusal = self._keys.refusal(caller, environ)
        return reply(record, refusal) if refusal else self._application(environ, record)


def moto_application(region: str = "") -> Application:
    """Moto's application for all AWS services; operations that moto lacks are refused in AWS's form.

    Args:
        region: the only region that it answers for; empty for all.
    """
    # moto allows every web page to read its answers
    vars(werkzeug_app)["DISABLE_GLOBAL_CORS"] = True
    modules = list(backends.list_of_moto_modules())
    # moto lists a folder at every request, which takes a quarter of its time
    backends.list_of_moto_modules = lambda: modules
    return Played(DomainDispatcherApplication(create_backend_app), region)
