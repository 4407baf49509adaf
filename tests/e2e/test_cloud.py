"""Releases whose Terraform runs on Terraform Cloud: on its stand-in, with the real terraform and real containers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.e2e.journey import CRASHING
from tests.e2e.project import ACCOUNT, INVOKE, Answer, Project, make

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ENVIRONMENT = "sandbox-cloud"
INVOKE_YAML = f"""
longshore:
  applications:
    storefront:
      region: eu-central-1
      images: {{app: {{context: storefront}}}}
      environments:
        {ENVIRONMENT}:
          endpoint: sandbox
          account: "{ACCOUNT}"
          deadlines: {{rollout: 60, bake: 1, terraform: 120, terraform_back: 60}}
          terraform: {{cloud: {{organization: acme, workspace: "{{application}}-{{environment}}", hostname: sandbox}}}}
"""
DEADLINES = "INVOKE_LONGSHORE_APPLICATIONS_STOREFRONT_ENVIRONMENTS_SANDBOX_CLOUD_DEADLINES_"


@dataclass
class Service:
    """The stand-in, as somebody sees it who has its token."""

    url: str
    token: str

    def call(self, method: str, path: str, document: object = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = Request(f"{self.url}{path}", body, {"Authorization": f"Bearer {self.token}"}, method=method)
        with urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def script(self, *faults: str) -> None:
        self.call("DELETE", "/_sandbox/script")
        self.call("POST", "/_sandbox/script", list(faults))

    @property
    def workspace(self) -> Any:
        return self.call("GET", f"/api/v2/organizations/acme/workspaces/storefront-{ENVIRONMENT}")["data"]

    def runs(self) -> list[Any]:
        """Newest first, those that only plan as well."""
        path = f"/api/v2/workspaces/{self.workspace['id']}/runs?filter%5Boperation%5D=plan_and_apply,plan_only,destroy"
        return list(self.call("GET", path)["data"])

    def bare_run(self) -> dict[str, Any]:
        """A run as the page of Terraform Cloud, or a push, would start one: nobody says a tag."""
        workspace = {"data": {"type": "workspaces", "id": self.workspace["id"]}}
        document = {"data": {"type": "runs", "attributes": {}, "relationships": {"workspace": workspace}}}
        made = self.call("POST", "/api/v2/runs", document)["data"]["id"]
        until = time.monotonic() + 60
        while time.monotonic() < until:
            attributes = dict(self.call("GET", f"/api/v2/runs/{made}")["data"]["attributes"])
            if attributes["status"] in ("planned_and_finished", "policy_checked", "errored"):
                return attributes
            time.sleep(0.3)
        raise AssertionError(f"{made} did not end")


@dataclass
class Found:
    project: Project
    service: Service
    bootstrap: Answer
    second: dict[str, Any]
    bare: dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    project = make(tmp_path_factory.mktemp("cloud"))
    project.write("invoke.yaml", INVOKE_YAML)
    try:
        project.invoke("sandbox.up")
        project.commit("storefront", "First")
        bootstrap = project.invoke("bootstrap", "-e", ENVIRONMENT, "--yes")
        sandbox = project.sandbox()
        service = Service(sandbox["terraform_cloud"], sandbox["environment"]["AWS_SECRET_ACCESS_KEY"])
        project.invoke("release", "-e", ENVIRONMENT, "--yes")
        second = project.invoke("release", "-e", ENVIRONMENT, "--yes", "--json").json()
        yield Found(project, service, bootstrap, second, service.bare_run())
    finally:
        project.invoke("sandbox.down", expect=None)


def test_a_release_succeeds_and_leaves_an_empty_plan_and_a_bare_run_changes_nothing(found: Found) -> None:
    assert "workspace acme/storefront-sandbox-cloud: created" in found.bootstrap.err
    assert (found.second["version"], found.second["verdict"], found.second["exit_code"]) == ("v1.0.1", "succeeded", 0)
    with urlopen(found.project.url(f"storefront-{ENVIRONMENT}-web"), timeout=10) as page:
        assert "v1.0.1" in page.read().decode()
    assert (found.bare["status"], found.bare["has-changes"]) == ("planned_and_finished", False)
    assert found.project.invoke("plan", "-e", ENVIRONMENT).code == 0
    assert found.service.runs()[0]["attributes"]["plan-only"] is True
    assert found.project.invoke("plan", "-e", ENVIRONMENT, "--tag", "v9.9.9", expect=None).code == 20


def test_the_token_is_shown_nowhere(found: Found) -> None:
    answer = found.project.invoke("status", "-e", ENVIRONMENT, expect=None)
    plan = found.project.invoke("plan", "-e", ENVIRONMENT)
    assert found.service.token not in answer.out + answer.err + plan.out + plan.err + found.bootstrap.err


def test_faults_are_scripted_listed_and_cleared_by_the_task(found: Found) -> None:
    wrong = found.project.invoke("sandbox.fault", "--operation", "cloud:politics", expect=2)
    assert "policy_soft" in wrong.err
    found.project.invoke("sandbox.fault", "--operation", "cloud:queued", "--times", "2")
    listed = found.project.invoke("sandbox.fault", "--json").json()
    assert listed["terraform_cloud"] == ["queued", "queued"]
    assert found.project.invoke("sandbox.fault", "--clear", "--json").json()["terraform_cloud"] == []


def test_a_version_that_crashes_is_moved_back_and_registered_again(found: Found) -> None:
    answer = _crash(found)
    document = answer.json()
    assert (document["verdict"], document["cause"], answer.code) == ("rolled_back", "rollout", 8)
    assert [w for w in document["warnings"] if "Terraform pending" in w] == []
    assert found.service.bare_run()["has-changes"] is False
    assert [r["attributes"]["status"] for r in found.service.runs()[1:3]] == ["applied", "applied"]


def test_after_a_roll_back_whose_terraform_half_waits_in_the_queue_the_verdict_stays(found: Found) -> None:
    found.service.script("well", "queued")
    answer = _crash(found, **{f"{DEADLINES}TERRAFORM_BACK": "3"})
    document = answer.json()
    assert (document["verdict"], answer.code) == ("rolled_back", 8)
    pending = [warning for warning in document["warnings"] if "Terraform pending" in warning]
    assert len(pending) == 1
    assert "place 1 in the queue" in pending[0]
    assert found.service.runs()[0]["attributes"]["status"] == "discarded"
    assert found.project.invoke("plan", "-e", ENVIRONMENT, expect=None).code == 20
    found.project.invoke("bootstrap", "-e", ENVIRONMENT, "--yes")  # what the warning says
    assert found.project.invoke("plan", "-e", ENVIRONMENT).code == 0


@pytest.mark.parametrize(
    ("faults", "environ", "code", "verdict", "says"),
    [
        (["policy_soft"], {}, 5, "failed", "policy failed"),
        (["policy_hard"], {}, 5, "failed", "a mandatory policy failed"),
        (["discarded"], {}, 5, "failed", "discarded by another user"),
        (["queued"], {"TERRAFORM": "4"}, 1, "failed", "place 1 in the queue"),
        (["unknown"], {"TERRAFORM": "40"}, 1, "failed", "reticulating"),
        (["unknown_apply"], {"TERRAFORM": "40"}, 6, "failed", "reticulating"),
        (["canceled"], {}, 6, "failed", "canceled by another user"),
        (["log_cut_and_json_forbidden"], {}, 1, "failed", "cannot determine the changes"),
        (["log_cut"], {}, 0, "succeeded", "could not read the log"),
        (["json_forbidden"], {}, 0, "succeeded", "the diff is incomplete"),
        (["throttled"] * 25, {}, 0, "succeeded", ""),
        (["lost"], {}, 0, "succeeded", ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_what_is_scripted_ends_in_the_right_verdict(
    found: Found, faults: list[str], environ: dict[str, str], code: int, verdict: str, says: str
) -> None:
    before = len(found.service.runs())
    found.service.script(*faults)
    variables = {f"{DEADLINES}{name}": value for name, value in environ.items()}
    order = ["release", "-e", ENVIRONMENT, "--tag", _other_version(found), "--yes", "--json"]
    answer = found.project.invoke(*order, expect=code, **variables)
    document = answer.json()
    assert document["verdict"] == verdict
    assert says in answer.err + document["message"]
    made = found.service.runs()[: len(found.service.runs()) - before]
    assert all(run["attributes"]["status"] in _OVER for run in made), made
    assert len([run for run in made if "(plan and apply)" in run["attributes"]["message"]]) <= 2
    assert found.service.bare_run()["has-changes"] is False


def _other_version(found: Found) -> str:
    released = found.project.invoke("status", "-e", ENVIRONMENT, "--json").json()["released"]
    return "v1.0.0" if released == "v1.0.1" else "v1.0.1"


_OVER = ("applied", "planned_and_finished", "discarded", "canceled", "errored")


def test_a_signal_while_a_run_waits_in_the_queue_ends_the_run_and_the_release(found: Found) -> None:
    found.service.script("queued")
    before = len(found.service.runs())
    process = subprocess.Popen(
        [*INVOKE, "release", "-e", ENVIRONMENT, "--tag", "v1.0.0", "--yes", "--json"],
        cwd=found.project.folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "INVOKE_"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while len(found.service.runs()) == before and time.monotonic() < until:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["verdict"] == "interrupted"
    assert found.service.runs()[0]["attributes"]["status"] == "discarded"


def test_a_workspace_that_applies_by_itself_is_refused(found: Found) -> None:
    path = f"/api/v2/workspaces/{found.service.workspace['id']}"
    document = {"data": {"type": "workspaces", "attributes": {"auto-apply": True}}}
    found.service.call("PATCH", path, document)
    try:
        before = len(found.service.runs())
        answer = found.project.invoke("release", "-e", ENVIRONMENT, "--tag", "v1.0.0", "--yes", expect=None)
        assert answer.code == 1
        assert "auto-apply" in answer.err
        assert len(found.service.runs()) == before
    finally:
        document["data"]["attributes"] = {"auto-apply": False}
        found.service.call("PATCH", path, document)


def _crash(found: Found, **environ: str) -> Answer:
    start = found.project.folder / "storefront"
    docker = (start / "Dockerfile").read_text()
    (start / "Dockerfile").write_text(docker + CRASHING)
    found.project.commit("storefront", "Crash")
    try:
        environ = {f"{DEADLINES}ROLLOUT": "15", **environ}
        return found.project.invoke("release", "-e", ENVIRONMENT, "--yes", "--json", expect=8, **environ)
    finally:
        (start / "Dockerfile").write_text(docker)
        found.project.commit("storefront", "Good again")
