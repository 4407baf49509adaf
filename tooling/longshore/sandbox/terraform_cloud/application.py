"""The stand-in's endpoints, as a WSGI application."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from longshore.sandbox.routing import Route, Router, json_response
from longshore.sandbox.serving import Environ, StartResponse
from longshore.sandbox.terraform_cloud import documents, faults
from longshore.sandbox.terraform_cloud.json_api import (
    RefusedError,
    attributes,
    document_response,
    error_response,
    list_response,
    related_id,
)
from longshore.sandbox.terraform_cloud.model import Configuration, Run, Store, Workspace, new_id
from longshore.sandbox.terraform_cloud.worker import Worker

_API = "/api/v2"
_THROTTLED_SECONDS = 0.2


@dataclass
class Application:
    """Terraform Cloud's API.

    Args:
        store: the workspaces, configurations and runs.
        worker: carries out the runs.
        token: the only token that is accepted.
    """

    store: Store
    worker: Worker
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        # An archive URL needs no token, as on Terraform Cloud: its secret part is the permission.
        self._archive = f"/archive/{secrets.token_urlsafe(16)}"
        self._router = Router(self._routes())

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request = Request(environ)
        request.get_data()  # a slow upload must not hold the lock
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            with self.store.changed:
                self._admit(request)
                return self._router.answer(request)
        except (NotFound, MethodNotAllowed):
            return error_response(RefusedError(404, "Not Found"))
        except RefusedError as error:
            response = error_response(error)
            if error.status == 429:
                response.headers["X-RateLimit-Reset"] = str(_THROTTLED_SECONDS)
            return response

    def _admit(self, request: Request) -> None:
        if not request.path.startswith("/_sandbox/") and self.store.take_fault({"throttled"}):
            raise RefusedError(429, "Too many requests")
        given = request.headers.get("Authorization", "")
        signed = compare_digest(given.encode(), f"Bearer {self.token}".encode())
        if not request.path.startswith(f"{self._archive}/") and not signed:
            raise RefusedError(401, "unauthorized")

    def _routes(self) -> list[Route[Response]]:
        named = f"{_API}/organizations/<organization>/workspaces"
        workspace, configurations = f"{_API}/workspaces/<workspace_id>", f"{_API}/configuration-versions"
        return [
            ("GET", f"{named}/<name>", self._workspace_named),
            ("POST", named, self._make_workspace),
            ("GET", workspace, self._workspace),
            ("PATCH", workspace, self._change_workspace),
            ("GET", f"{workspace}/vars", self._variables),
            ("POST", f"{workspace}/vars", self._add_variable),
            ("PATCH", f"{workspace}/vars/<variable_id>", self._change_variable),
            ("POST", f"{workspace}/configuration-versions", self._make_configuration),
            ("GET", f"{configurations}/<configuration_id>", self._configuration),
            ("PUT", f"{self._archive}/configuration-versions/<configuration_id>", self._upload),
            ("POST", f"{_API}/runs", self._make_run),
            ("GET", f"{workspace}/runs", self._runs),
            ("GET", f"{_API}/runs/<run_id>", self._run),
            ("POST", f"{_API}/runs/<run_id>/actions/<action>", self._act),
            ("GET", f"{_API}/runs/<run_id>/policy-checks", self._policy_checks),
            ("GET", f"{_API}/<any(plans, applies):kind>/<log_id>", self._plan_or_apply),
            ("GET", f"{_API}/plans/<plan_id>/json-output", self._json_output),
            ("GET", f"{self._archive}/json/<run_id>", self._json),
            ("GET", f"{self._archive}/logs/<log_id>", self._log),
            ("GET", f"{workspace}/current-state-version", self._state),
            ("GET", f"{_API}/state-versions/<state_id>/outputs", self._outputs),
            ("GET", "/_sandbox/script", self._script),
            ("POST", "/_sandbox/script", self._change_script),
            ("DELETE", "/_sandbox/script", self._clear_script),
        ]

    # Workspaces

    def _workspace_named(self, _request: Request, organization: str, name: str) -> Response:
        workspace = self.store.workspace_named(organization, name)
        if workspace is None:
            raise RefusedError(404, "Not Found")
        return document_response(documents.workspace(self.store, workspace))

    def _make_workspace(self, request: Request, organization: str) -> Response:
        given = attributes(request)
        name = str(given.get("name") or "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,90}", name) or self.store.workspace_named(organization, name):
            raise RefusedError(422, "Name is not valid, or has already been taken")
        workspace = self.store.add_workspace(organization, given)
        return document_response(documents.workspace(self.store, workspace), 201)

    def _workspace(self, _request: Request, workspace_id: str) -> Response:
        return document_response(documents.workspace(self.store, self._find_workspace(workspace_id)))

    def _change_workspace(self, request: Request, workspace_id: str) -> Response:
        workspace = self._find_workspace(workspace_id)
        workspace.attributes |= attributes(request)
        return document_response(documents.workspace(self.store, workspace))

    def _variables(self, _request: Request, workspace_id: str) -> Response:
        variables = self._find_workspace(workspace_id).variables
        return list_response([documents.variable(key, values) for key, values in variables.items()])

    def _add_variable(self, request: Request, workspace_id: str) -> Response:
        variable_id, given = new_id("var"), attributes(request)
        self._find_workspace(workspace_id).variables[variable_id] = given
        return document_response(documents.variable(variable_id, given), 201)

    def _change_variable(self, request: Request, workspace_id: str, variable_id: str) -> Response:
        variables = self._find_workspace(workspace_id).variables
        if variable_id not in variables:
            raise RefusedError(404, "Not Found")
        variables[variable_id] |= attributes(request)
        return document_response(documents.variable(variable_id, variables[variable_id]))

    # Configurations

    def _make_configuration(self, request: Request, workspace_id: str) -> Response:
        speculative = attributes(request).get("speculative") is True
        configuration = Configuration(new_id("cv"), self._find_workspace(workspace_id).id, speculative)
        self.store.configurations[configuration.id] = configuration
        return document_response(self._configuration_document(request, configuration), 201)

    def _configuration(self, request: Request, configuration_id: str) -> Response:
        return document_response(self._configuration_document(request, self._find_configuration(configuration_id)))

    def _upload(self, request: Request, configuration_id: str) -> Response:
        configuration = self._find_configuration(configuration_id)
        archive = self.store.workspaces[configuration.workspace].folder / f"{configuration_id}.tar.gz"
        archive.write_bytes(request.get_data())
        configuration.archive = archive
        return Response()

    # Runs

    def _make_run(self, request: Request) -> Response:
        workspace = self._find_workspace(related_id(request, "workspace"))
        latest = self.store.latest(workspace.id)
        configuration_id = related_id(request, "configuration-version") or (latest.id if latest else "")
        configuration = self.store.configurations.get(configuration_id)
        if configuration is None or configuration.archive is None:
            raise RefusedError(422, "Configuration version is missing, or not uploaded")
        run = self._add_run(workspace, configuration, attributes(request))
        self.worker.start(run)
        if self.store.take_fault({"lost"}):
            raise RefusedError(504, "The answer was lost")
        return document_response(documents.run(self.store, run), 201)

    def _add_run(self, workspace: Workspace, configuration: Configuration, given: dict[str, object]) -> Run:
        run_id = new_id("run")
        folder = workspace.folder / run_id
        folder.mkdir()
        variables = given.get("variables")
        run = Run(
            id=run_id,
            workspace=workspace.id,
            configuration=configuration.id,
            folder=folder,
            message=str(given.get("message") or "Queued manually via the Terraform Enterprise API"),
            variables=list(variables) if isinstance(variables, list) else [],
            plan_only=bool(given.get("plan-only")) or configuration.speculative,
            destroy=given.get("is-destroy") is True,
            fault=self.store.take_fault(faults.RUN_FAULTS),
        )
        self.store.runs[run_id] = run
        return run

    def _runs(self, request: Request, workspace_id: str) -> Response:
        wanted = request.args.get("search[basic]", "")
        with_plan_only = "plan_only" in request.args.get("filter[operation]", "")  # Terraform Cloud omits these runs
        newest_first = reversed(self.store.runs_of(self._find_workspace(workspace_id).id))
        shown = (run for run in newest_first if wanted in run.message and (with_plan_only or not run.plan_only))
        return list_response([documents.run(self.store, run) for run in shown])

    def _run(self, _request: Request, run_id: str) -> Response:
        return document_response(documents.run(self.store, self._find_run(run_id)))

    def _act(self, _request: Request, run_id: str, action: str) -> Response:
        run = self._find_run(run_id)
        allowed = {"apply": run.confirmable, "discard": run.discardable, "cancel": run.cancelable}
        requests = {"apply": "confirm", "discard": "discard", "cancel": "cancel"}
        if action not in allowed:
            raise RefusedError(404, "Not Found")
        elsewhere = action == "apply" and run.fault == "discarded" and run.confirmable
        run.requested = "discard" if elsewhere else requests[action] if allowed[action] else run.requested
        self.store.changed.notify_all()
        if elsewhere or not allowed[action]:
            raise RefusedError(409, f"transition not allowed: {action} of a run that is {run.status}")
        if action == "cancel":
            self.worker.cancel(run)
        return Response(status=202)

    def _policy_checks(self, _request: Request, run_id: str) -> Response:
        return list_response([documents.policy_check(self._find_run(run_id))])

    def _plan_or_apply(self, request: Request, kind: str, log_id: str) -> Response:
        log = dict(self.store.logs()).get(log_id)
        if log is None:
            raise RefusedError(404, "Not Found")
        return document_response(documents.log(kind, log_id, log, self._url(request, "logs", log_id)))

    def _log(self, request: Request, log_id: str) -> Response:
        log = dict(self.store.logs())[log_id]
        offset, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", 65536))
        return Response(log.read(offset, limit))

    def _json_output(self, request: Request, plan_id: str) -> Response:
        run = self._find_run(plan_id.replace("plan-", "run-"))
        if "json_forbidden" in run.fault:
            raise RefusedError(404, "Not Found")
        if not run.plan_log.done:
            return Response(status=204)
        return Response(status=307, headers={"Location": self._url(request, "json", run.id)})

    def _json(self, _request: Request, run_id: str) -> Response:
        plan = (self._find_run(run_id).folder / "plan.json").read_bytes()
        return Response(plan, content_type="application/json")

    # States

    def _state(self, _request: Request, workspace_id: str) -> Response:
        states = self._find_workspace(workspace_id).states
        if not states:
            raise RefusedError(404, "Not Found")
        return document_response(documents.state(states[-1]))

    def _outputs(self, _request: Request, state_id: str) -> Response:
        states = [state for workspace in self.store.workspaces.values() for state in workspace.states]
        outputs = [output for state in states if state.id == state_id for output in documents.outputs(state)]
        return list_response(outputs)

    # Scripted faults

    def _script(self, _request: Request) -> Response:
        return json_response(self.store.scripted)

    def _change_script(self, request: Request) -> Response:
        wanted = json.loads(request.get_data())
        unknown = [fault for fault in wanted if fault not in faults.ALL_FAULTS]
        if unknown:
            raise RefusedError(
                400, f"{', '.join(unknown)}: unknown fault; the faults are {', '.join(sorted(faults.ALL_FAULTS))}"
            )
        self.store.scripted += wanted
        return self._script(request)

    def _clear_script(self, request: Request) -> Response:
        self.store.scripted.clear()
        return self._script(request)

    def _find_workspace(self, workspace_id: str) -> Workspace:
        if workspace_id not in self.store.workspaces:
            raise RefusedError(404, "Not Found")
        return self.store.workspaces[workspace_id]

    def _find_configuration(self, configuration_id: str) -> Configuration:
        if configuration_id not in self.store.configurations:
            raise RefusedError(404, "Not Found")
        return self.store.configurations[configuration_id]

    def _find_run(self, run_id: str) -> Run:
        if run_id not in self.store.runs:
            raise RefusedError(404, "Not Found")
        return self.store.runs[run_id]

    def _configuration_document(self, request: Request, configuration: Configuration) -> documents.Document:
        url = self._url(request, "configuration-versions", configuration.id)
        return documents.configuration(configuration, url)

    def _url(self, request: Request, kind: str, name: str) -> str:
        return f"http://{request.host}{self._archive}/{kind}/{name}"
