"""What stands in front of moto: the sandbox's own pages, credentials and the request log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request

from longshore.sandbox.api.admin_pages import AdminPages, CodeBuildAdmin, Configurable
from longshore.sandbox.api.credentials import AccessKeys, identify, refusal, role_of
from longshore.sandbox.api.fault_injection import FAULT_KIND, FaultInjector, reply
from longshore.sandbox.api.faults import Faults
from longshore.sandbox.api.request_log import RequestLog, parameters_of
from longshore.sandbox.serving import Application, Environ, StartResponse


class AwsApi:
    """A WSGI application around moto's.

    Args:
        application: moto's.
        keys: the access keys that are accepted.
        log: where calls are written.
        status: what GET /_sandbox/status answers.
        configurable: what GET and POST /_sandbox/settings are about.
        codebuild: what the pages of builds, pushes and repositories are about.
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
        self._application = FaultInjector(application, self.faults)
        self._keys = keys
        self._log = log
        self._pages = AdminPages(log, self.faults, status, configurable, codebuild)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith("/_sandbox/"):
            return self._pages.answer(Request(environ))(environ, start_response)
        caller = identify(environ)
        parameters = parameters_of(caller, environ)

        def record(status: str, *rest: Any) -> Any:
            fault = environ.get(FAULT_KIND, "")
            role = role_of(caller)
            self._log.add(caller.service, caller.operation, int(status[:3]), parameters, fault=fault, caller=role)
            return start_response(status, *rest)

        if self._keys.accept(caller):
            return self._application(environ, record)
        return reply(record, refusal(caller))


def moto_application() -> Application:
    """Moto's application for all services."""
    modules = list(backends.list_of_moto_modules())
    # moto lists a folder at every request: a quarter of the time that an answer takes
    backends.list_of_moto_modules = lambda: modules
    return DomainDispatcherApplication(create_backend_app)
