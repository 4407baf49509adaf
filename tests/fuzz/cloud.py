"""Fuzzers of Terraform Cloud's answers, through the API client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from longshore.config.target import Stack
from longshore.masking.masks import Masks
from longshore.terraform.cloud import outputs, workspaces
from longshore.terraform.cloud.api import Api, Response
from longshore.terraform.cloud.failures import RunFailures
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.objects import included, one
from longshore.terraform.cloud.plan_json import download
from longshore.terraform.cloud.run import parse_run
from longshore.terraform.cloud.runs import Notifier, Runs
from tests.fakes.terraform_cloud import ADDRESS, HOST, TOKEN, FakeTime, run, workspace_state
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.mutation import changed_json

_STACK = Stack("test", Path("/project/terraform/app"), (Path("/project/x.tfvars"),), Path("/project/data"), {})
_WORKSPACE = {
    "data": {
        "id": "ws-1", "type": "workspaces",
        "attributes": {
            "name": "shop-test", "execution-mode": "remote", "auto-apply": False, "working-directory": "terraform/app",
            "structured-run-output-enabled": True, "terraform-version": "1.12.2", "locked": False, "vcs-repo": None,
            "permissions": {"can-read-state-versions": True},
        },
        "relationships": {"current-run": {"data": {"id": "run-2", "type": "runs"}}},
    }
}  # fmt: skip
_VARIABLE = {"id": "var-1", "attributes": {"key": "TF_CLI_ARGS_plan", "value": "-var-file=x", "category": "env"}}
_OUTPUT = {"id": "wsout-1", "attributes": {"name": "release", "value": {"a": 1}, "sensitive": False}}
_LIST = {"data": [_VARIABLE, _OUTPUT], "meta": {"pagination": {"next-page": None}}}
_STATE = {"data": {"id": "sv-1", "attributes": {"resources-processed": True, "status": "finalized"}}}
_CHECK = {"data": [{"id": "polchk-1", "attributes": {"status": "hard_failed", "stage": "pre_plan"}}]}
_INCLUDED = {"id": "ia-1", "type": "ingress-attributes", "attributes": {"commit-sha": "0123"}}


class _Answers:
    """A transport that answers calls whose path contains a word with its body, and all others with an empty list."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        answer = next((answer for word, answer in self._bodies.items() if word in url), b'{"data": []}')
        offset = int(url.rpartition("offset=")[2]) if "offset=" in url else 0
        return Response(200, {}, answer[offset:])


def _fuzzer(documents: Mapping[str, Any], read: Callable[[Api], object]) -> Fuzzer:
    def make(random: Random) -> dict[str, bytes]:
        return {word: changed_json(document, random) for word, document in documents.items()}

    return Fuzzer(make, lambda bodies: read(Api(HOST, TOKEN, _Answers(bodies), FakeTime().clock())))


def _read_runs(api: Api) -> object:
    runs = Runs(api, workspace_state(), api.clock, Notifier(str, str), Masks())  # type: ignore[arg-type]
    current = runs.read("run-1")
    return (current, runs._report_queue(current, ""), current.final)


def _read_workspace(api: Api) -> object:
    state = workspaces.find(api, ADDRESS)
    assert state is not None
    return (workspaces.problems(api, state, Path("/project"), _STACK), state.current_run_and_lock(api))


def _read_failure(api: Api) -> object:
    failures = RunFailures(api, workspace_state(), Masks())
    return failures.error_of(parse_run(one(run("errored"))), Log(api, "plans/plan-1"), "plan")


def _read_log(api: Api) -> object:
    log = Log(api, "plans/plan-1")
    log.finish(api.clock)
    return (log.lines, download(api, parse_run(one(run("planned")))))


FUZZERS = {
    "cloud-runs": _fuzzer({"/runs/": run("pending"), "/workspaces/": _WORKSPACE}, _read_runs),
    "cloud-workspaces": _fuzzer({"/vars": _LIST, "/workspaces/": _WORKSPACE}, _read_workspace),
    "cloud-outputs": _fuzzer(
        {"/outputs": _LIST, "/current-state-version": _STATE},
        lambda api: outputs.read(api, workspace_state(), api.clock),
    ),
    "cloud-failures": _fuzzer({"/policy-checks": _CHECK, "/task-stages": _CHECK}, _read_failure),
    "cloud-logs": _fuzzer(
        {"/plans/": {"data": {"id": "plan-1", "attributes": {"log-read-url": f"{HOST}/log"}}}, "/log": {"type": "x"}},
        _read_log,
    ),
    "cloud-commits": _fuzzer(
        {"/runs/": run("planned") | {"included": [_INCLUDED]}},
        lambda api: [(data.type, data.attributes.commit_sha) for data in included(api.get("runs/run-1"))],
    ),
}
