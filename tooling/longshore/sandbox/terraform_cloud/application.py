"""The stand-in's endpoints: a WSGI application."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import parse_qs

from longshore.sandbox.api.credentials import body_of
from longshore.sandbox.serving import Environ, StartResponse
from longshore.sandbox.terraform_cloud import documents, script
from longshore.sandbox.terraform_cloud.calls import Call, RefusedError, Reply, one, several
from longshore.sandbox.terraform_cloud.model import Configuration, Run, Store, Workspace, new_id
from longshore.sandbox.terraform_cloud.worker import Worker

_THROTTLED_SECONDS = 0.2


@dataclass
class Application:
    """Answers what Terraform Cloud would.

    Args:
        store: everything.
        worker: carries the runs.
        token: the one that is accepted.
    """

    store: Store
    worker: Worker
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        # What follows the host in a URL that holds its own permission, as the storage of Terraform Cloud has it.
        self._secret = secrets.token_urlsafe(16)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        base = f"http://{environ['HTTP_HOST']}"
        call = Call(environ["REQUEST_METHOD"], environ["PATH_INFO"], query, body_of(environ), base)
        reply = self._answer(call, environ)
        headers = [("Content-Length", str(len(reply.body))), ("Content-Type", "application/json"), *reply.headers]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [reply.body]

    def _answer(self, call: Call, environ: Environ) -> Reply:
        try:
            with self.store.changed:
                self._admit(call, environ)
                return self._route(call)
        except RefusedError as error:
            body = json.dumps({"errors": [{"status": str(error.status), "detail": str(error)}]}).encode()
            wait = (("X-RateLimit-Reset", str(_THROTTLED_SECONDS)),) if error.status == 429 else ()
            return Reply(error.status, body, wait)

    def _admit(self, call: Call, environ: Environ) -> None:
        if not call.path.startswith("/_sandbox/") and self.store.take_fault(frozenset({"throttled"})):
            raise RefusedError(429, "Too many requests")
        given = str(environ.get("HTTP_AUTHORIZATION", ""))
        signed = compare_digest(given.encode(), f"Bearer {self.token}".encode())
        if call.path.startswith("/api/v2/") and not signed:
            raise RefusedError(401, "unauthorized")

    def _route(self, call: Call) -> Reply:
        for method, pattern, answer in self._routes():
            match = re.fullmatch(pattern, call.path)
            if match and call.method == method:
                return answer(call, *match.groups())
        raise RefusedError(404, "Not Found")

    def _routes(self) -> list[tuple[str, str, Callable[..., Reply]]]:
        some, api, own = "([^/]+)", "/api/v2", re.escape(f"/archive/{self._secret}")
        return [
            ("GET", f"{api}/organizations/{some}/workspaces/{some}", self._workspace_named),
            ("POST", f"{api}/organizations/{some}/workspaces", self._make_workspace),
            ("GET", f"{api}/workspaces/{some}", self._workspace),
            ("PATCH", f"{api}/workspaces/{some}", self._change_workspace),
            ("GET", f"{api}/workspaces/{some}/vars", self._variables),
            ("POST", f"{api}/workspaces/{some}/vars", self._add_variable),
            ("PATCH", f"{api}/workspaces/{some}/vars/{some}", self._change_variable),
            ("POST", f"{api}/workspaces/{some}/configuration-versions", self._make_configuration),
            ("GET", f"{api}/configuration-versions/{some}", self._configuration),
            ("PUT", f"{own}/configuration-versions/{some}", self._upload),
            ("POST", f"{api}/runs", self._make_run),
            ("GET", f"{api}/workspaces/{some}/runs", self._runs),
            ("GET", f"{api}/runs/{some}", self._run),
            ("POST", f"{api}/runs/{some}/actions/{some}", self._act),
            ("GET", f"{api}/runs/{some}/policy-checks", self._policy_checks),
            ("GET", f"{api}/(plans|applies)/{some}", self._plan_or_apply),
            ("GET", f"{api}/plans/{some}/json-output", self._json_output),
            ("GET", f"{own}/json/{some}", self._json),
            ("GET", f"{own}/logs/{some}", self._log),
            ("GET", f"{api}/workspaces/{some}/current-state-version", self._state),
            ("GET", f"{api}/state-versions/{some}/outputs", self._outputs),
            ("GET", "/_sandbox/script", self._script),
            ("POST", "/_sandbox/script", self._change_script),
            ("DELETE", "/_sandbox/script", self._clear_script),
        ]

    # Workspaces

    def _workspace_named(self, _call: Call, organization: str, name: str) -> Reply:
        found = self.store.workspace_named(organization, name)
        if found is None:
            raise RefusedError(404, "Not Found")
        return one(documents.workspace(self.store, found))

    def _make_workspace(self, call: Call, organization: str) -> Reply:
        name = str(call.attributes.get("name") or "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,90}", name) or self.store.workspace_named(organization, name):
            raise RefusedError(422, "Name is not valid, or has already been taken")
        made = self.store.add_workspace(organization, call.attributes)
        return one(documents.workspace(self.store, made), 201)

    def _workspace(self, _call: Call, identity: str) -> Reply:
        return one(documents.workspace(self.store, self._known(identity)))

    def _change_workspace(self, call: Call, identity: str) -> Reply:
        found = self._known(identity)
        found.attributes |= call.attributes
        return one(documents.workspace(self.store, found))

    def _variables(self, _call: Call, identity: str) -> Reply:
        found = self._known(identity).variables
        return several([documents.variable(key, attributes) for key, attributes in found.items()])

    def _add_variable(self, call: Call, identity: str) -> Reply:
        made = new_id("var")
        self._known(identity).variables[made] = call.attributes
        return one(documents.variable(made, call.attributes), 201)

    def _change_variable(self, call: Call, identity: str, variable: str) -> Reply:
        variables = self._known(identity).variables
        if variable not in variables:
            raise RefusedError(404, "Not Found")
        variables[variable] |= call.attributes
        return one(documents.variable(variable, variables[variable]))

    # Configurations

    def _make_configuration(self, call: Call, identity: str) -> Reply:
        workspace = self._known(identity)
        made = Configuration(new_id("cv"), workspace.id, call.attributes.get("speculative") is True)
        self.store.configurations[made.id] = made
        return one(documents.configuration(made, self._url(call, "configuration-versions", made.id)), 201)

    def _configuration(self, call: Call, identity: str) -> Reply:
        found = self.store.configurations.get(identity)
        if found is None:
            raise RefusedError(404, "Not Found")
        return one(documents.configuration(found, self._url(call, "configuration-versions", identity)))

    def _upload(self, call: Call, identity: str) -> Reply:
        found = self.store.configurations.get(identity)
        if found is None:
            raise RefusedError(404, "Not Found")
        archive = self.store.workspaces[found.workspace].folder / f"{identity}.tar.gz"
        archive.write_bytes(call.body)
        found.archive = archive
        return Reply(200)

    # Runs

    def _make_run(self, call: Call) -> Reply:
        workspace, attributes = self._known(call.related("workspace")), call.attributes
        latest = self.store.latest(workspace.id)
        configuration = call.related("configuration-version") or (latest.id if latest else "")
        found = self.store.configurations.get(configuration)
        if found is None or found.archive is None:
            raise RefusedError(422, "Configuration version is missing, or not uploaded")
        made = new_id("run")
        folder = workspace.folder / made
        folder.mkdir()
        run = Run(
            id=made,
            workspace=workspace.id,
            configuration=configuration,
            folder=folder,
            message=str(attributes.get("message") or "Queued manually via the Terraform Enterprise API"),
            variables=list(attributes.get("variables") or []),
            plan_only=bool(attributes.get("plan-only")) or found.speculative,
            destroy=attributes.get("is-destroy") is True,
            fault=self.store.take_fault(script.OF_RUNS),
        )
        self.store.runs[made] = run
        self.worker.start(run)
        if self.store.take_fault(frozenset({"lost"})):
            raise RefusedError(504, "The answer was lost")
        return one(documents.run(self.store, run), 201)

    def _runs(self, call: Call, identity: str) -> Reply:
        wanted = call.query.get("search[basic]", "")
        looks = "plan_only" in call.query.get("filter[operation]", "")  # otherwise the service leaves these out
        newest_first = reversed(self.store.runs_of(self._known(identity).id))
        shown = (run for run in newest_first if wanted in run.message and (looks or not run.plan_only))
        return several([documents.run(self.store, run) for run in shown])

    def _run(self, _call: Call, identity: str) -> Reply:
        return one(documents.run(self.store, self._known_run(identity)))

    def _act(self, _call: Call, identity: str, action: str) -> Reply:
        run = self._known_run(identity)
        allowed = {"apply": run.confirmable, "discard": run.discardable, "cancel": run.cancelable}
        asked = {"apply": "confirm", "discard": "discard", "cancel": "cancel"}
        if action not in allowed:
            raise RefusedError(404, "Not Found")
        elsewhere = action == "apply" and run.fault == "discarded" and run.confirmable
        run.asked = "discard" if elsewhere else asked[action] if allowed[action] else run.asked
        self.store.changed.notify_all()
        if elsewhere or not allowed[action]:
            raise RefusedError(409, f"transition not allowed: {action} of a run that is {run.status}")
        if action == "cancel":
            self.worker.cancel(run)
        return Reply(202)

    def _policy_checks(self, _call: Call, identity: str) -> Reply:
        return several([documents.policy_check(self._known_run(identity))])

    def _plan_or_apply(self, call: Call, kind: str, identity: str) -> Reply:
        log = dict(self.store.logs()).get(identity)
        if log is None:
            raise RefusedError(404, "Not Found")
        return one(documents.log(kind, identity, log, self._url(call, "logs", identity)))

    def _log(self, call: Call, identity: str) -> Reply:
        log = dict(self.store.logs())[identity]
        return Reply(200, log.read(int(call.query.get("offset", 0)), int(call.query.get("limit", 65536))))

    def _json_output(self, call: Call, identity: str) -> Reply:
        run = self._known_run(identity.replace("plan-", "run-"))
        if "json_forbidden" in run.fault:
            raise RefusedError(404, "Not Found")
        if not run.plan_log.done:
            return Reply(204)
        return Reply(307, b"", (("Location", self._url(call, "json", run.id)),))

    def _json(self, _call: Call, identity: str) -> Reply:
        return Reply(200, (self._known_run(identity).folder / "plan.json").read_bytes())

    # States

    def _state(self, _call: Call, identity: str) -> Reply:
        states = self._known(identity).states
        if not states:
            raise RefusedError(404, "Not Found")
        return one(documents.state(states[-1]))

    def _outputs(self, _call: Call, identity: str) -> Reply:
        states = [state for workspace in self.store.workspaces.values() for state in workspace.states]
        return several([one for state in states if state.id == identity for one in documents.outputs(state)])

    # What is scripted

    def _script(self, _call: Call) -> Reply:
        return Reply(200, json.dumps(self.store.scripted).encode())

    def _change_script(self, call: Call) -> Reply:
        wanted = json.loads(call.body)
        unknown = [fault for fault in wanted if fault not in script.KNOWN]
        if unknown:
            raise RefusedError(400, f"{', '.join(unknown)}: known are {', '.join(sorted(script.KNOWN))}")
        self.store.scripted += wanted
        return self._script(call)

    def _clear_script(self, call: Call) -> Reply:
        self.store.scripted.clear()
        return self._script(call)

    def _known(self, identity: str) -> Workspace:
        if identity not in self.store.workspaces:
            raise RefusedError(404, "Not Found")
        return self.store.workspaces[identity]

    def _known_run(self, identity: str) -> Run:
        if identity not in self.store.runs:
            raise RefusedError(404, "Not Found")
        return self.store.runs[identity]

    def _url(self, call: Call, kind: str, identity: str) -> str:
        return f"{call.base}/archive/{self._secret}/{kind}/{identity}"
