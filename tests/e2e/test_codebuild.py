"""CodeBuild builds, and releases: faults, the stock command line, and whether the roles may do what is done."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from longshore.sandbox import control
from tests.e2e.project import ACCOUNT, Project, whole
from tests.fakes import iam
from tests.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long]

BUILD, RELEASE = "storefront-build", "storefront-sandbox-release"
REGION = "eu-central-1"
PATIENCE = 240
_INVOKE_YAML = f"""longshore:
  applications:
    storefront:
      region: eu-central-1
      images: {{app: {{context: examples/storefront}}}}
      environments:
        sandbox:
          endpoint: sandbox
          account: "{ACCOUNT}"
          lock: {{lease: 5}}
          deadlines: {{queue: 20, build: 120, release: 180, rollout: 60, migration: 30, verify: 15, bake: 1}}
"""
CRASHING = """
ENTRYPOINT ["sh", "-c", "case $0 in web) sleep 1; exit 3;; esac; exec /app/storefront $0"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = whole(tmp_path_factory.mktemp("codebuild"))
    made.write("invoke.yaml", _INVOKE_YAML)
    tfvars = made.folder / "environments" / "sandbox.tfvars"
    # Here every release is started by hand; docs/walkthrough.md has the webhook, and a test of its own.
    by_hand = tfvars.read_text().replace('webhook = { branch = "main" }\n', "")
    assert by_hand != tfvars.read_text()
    tfvars.write_text(by_hand)
    try:
        made.invoke("sandbox.up")
        made.commit(".", "First")
        remote = made.invoke("sandbox.repository", "--name", "storefront").out.strip()
        git(made, "branch", "-M", "main")
        git(made, "remote", "add", "origin", remote)
        git(made, "push", "-q", "origin", "main")
        made.invoke("bootstrap", "--yes")
        made.invoke("release", "--remote", "--yes")
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


def git(project: Project, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=project.folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def change(project: Project, greeting: str, *, push: bool = True) -> str:
    project.write("examples/storefront/greeting.txt", f"{greeting}\n")
    commit = project.commit(".", greeting)
    if push:
        git(project, "push", "-q", "origin", "main")
    return commit


def page(project: Project) -> str:
    with urlopen(project.url("storefront-sandbox-web"), timeout=10) as answer:
        return str(answer.read().decode())


def builds(project: Project, name: str) -> list[str]:
    return list(project.client("codebuild").list_builds_for_project(projectName=name)["ids"])


def released(project: Project) -> list[dict[str, Any]]:
    return list(project.invoke("history", "--json").json())


def script(project: Project, name: str, **outcome: Any) -> None:
    """Has the sandbox play what real builds can't on demand, for the next build of a project."""
    control.script_builds(project.state(), [{"project": name, **outcome}], clear=True)


def test_a_commit_that_codebuild_can_not_fetch_is_refused(project: Project) -> None:
    change(project, "Not pushed", push=False)
    before = builds(project, BUILD)
    for flags in (("--on", "codebuild"), ("--remote",)):
        refused = project.invoke("release", *flags, "--yes", expect=1)
        assert "no remote branch of" in refused.err
        assert "Push it" in refused.err
    assert builds(project, BUILD) == before
    git(project, "push", "-q", "origin", "main")


def test_a_lost_answer_to_start_build_gives_one_build_and_a_release(project: Project) -> None:
    commit = change(project, "Built once")
    before = builds(project, BUILD)
    project.invoke("sandbox.fault", "--operation", "codebuild:StartBuild", "--kind", "lost", "--times", "1")
    project.invoke("sandbox.fault", "--operation", "codebuild:BatchGetBuilds", "--kind", "throttle", "--every", "3")
    project.invoke("sandbox.fault", "--operation", "logs:GetLogEvents", "--kind", "throttle", "--every", "2")
    answer = project.invoke("release", "--on", "codebuild", "--yes", "--json")
    project.invoke("sandbox.fault", "--clear")
    document = answer.json()
    (build,) = [one for one in builds(project, BUILD) if one not in before]
    assert (document["build"]["id"], document["build"]["status"]) == (build, "SUCCEEDED")
    assert (document["commit"], document["verdict"]) == (commit, "succeeded")
    assert document["version"] in page(project)
    lines = [line for line in answer.err.splitlines() if "Running command" in line]
    assert len(lines) == len(set(lines)) > 3
    assert project.invoke("plan", expect=None).code == 0


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"status": "FAILED"}, "FAILED"),
        ({"status": "FAULT"}, "FAULT"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
        ({"status": "STOPPED"}, "STOPPED"),
        ({"status": "WEIRD"}, "'WEIRD', a status that Longshore does not know"),
        ({"status": "SUCCEEDED"}, "has no image"),
        ({"status": "SUCCEEDED", "resolved_source_version": "f" * 40}, "built ffff"),
        ({"status": "IN_PROGRESS", "phase": "QUEUED"}, "still waiting for a machine after 20 s; it has ended: STOPPED"),
    ],
    ids=lambda value: "-".join(f"{k}={str(v)[:9]}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_whatever_becomes_of_a_build_nothing_is_deployed_without_its_image(
    project: Project, outcome: dict[str, Any], said: str
) -> None:
    change(project, f"Fate {outcome}")
    script(project, BUILD, **outcome)
    since, _ = project.requests()
    answer = project.invoke("release", "--on", "codebuild", "--yes", "--json", expect=4)
    document = answer.json()
    assert said in document["message"]
    assert (document["verdict"], document["cause"], document["exit_code"]) == ("failed", "build", 4)
    _, made = project.requests(since)
    assert [r for r in made if r["operation"] in ("UpdateService", "RegisterTaskDefinition", "RunTask")] == []
    assert "free" in project.invoke("lock.status").out


def test_a_release_that_rolls_back_inside_a_build_ends_so_here(project: Project) -> None:
    dockerfile = project.folder / "examples" / "storefront" / "Dockerfile"
    good = dockerfile.read_text()
    before = next(one["version"] for one in released(project) if one["verdict"] == "succeeded")
    dockerfile.write_text(good + CRASHING)
    change(project, "Crashes")
    answer = project.invoke("release", "--remote", "--yes", "--json", expect=8)
    assert (answer.json()["verdict"], answer.json()["exit_code"]) == ("rolled_back", 8)
    assert before in page(project)
    assert project.invoke("plan", expect=None).code == 0
    dockerfile.write_text(good)
    change(project, "Does not crash any more")


def test_a_lock_that_somebody_holds_is_said_and_ends_with_3(project: Project) -> None:
    change(project, "Locked")
    lock = project.invoke("lock.take", "--why", "the database moves").out.strip()
    before = builds(project, RELEASE)
    refused = project.invoke("release", "--remote", "--yes", "--json", expect=3)
    assert "the database moves" in refused.json()["message"]
    assert builds(project, RELEASE) == before
    project.invoke("lock.free", "--id", lock)


def test_the_stock_command_line_starts_a_release(project: Project, aws: Path) -> None:
    commit = change(project, "By the stock command line")
    started = stock(project, aws, "codebuild", "start-build", "--project-name", RELEASE, "--source-version", commit)
    build = started["build"]["id"]
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        (found,) = stock(project, aws, "codebuild", "batch-get-builds", "--ids", build)["builds"]
        if found["buildComplete"]:
            break
        time.sleep(2)
    assert found["buildStatus"] == "SUCCEEDED", found
    newest = released(project)[0]
    exported = {one["name"]: one["value"] for one in found["exportedEnvironmentVariables"]}
    assert exported["LONGSHORE_RELEASE"] == newest["release"]
    assert exported["LONGSHORE_EXIT_CODE"] == "0"
    assert (newest["commit"], newest["verdict"], newest["actor"]["build"]) == (commit, "succeeded", build)
    assert newest["version"] in page(project)
    group, stream = found["logs"]["groupName"], found["logs"]["streamName"]
    events = stock(project, aws, "logs", "filter-log-events", "--log-group-name", group, "--log-stream-names", stream)
    text = "".join(event["message"] for event in events["events"])
    assert "Running command invoke release" in text
    assert "Phase complete: POST_BUILD State: SUCCEEDED" in text


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's own command line, in an environment of its own: it pins another botocore."""
    folder = tmp_path_factory.mktemp("aws")
    subprocess.run(["python3", "-m", "venv", folder], check=True)
    pip: list[str | Path] = [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "-r", ROOT / "requirements" / "peers.txt"], check=True, stdout=subprocess.DEVNULL)
    return folder / "bin" / "aws"


def stock(project: Project, aws: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [aws, *arguments, "--output", "json"],
        env=project.variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("role", "does"),
    [
        (BUILD, {"ecr:GetAuthorizationToken", "ecr:DescribeRepositories"}),
        (
            RELEASE,
            {"ecs:UpdateService", "ecs:RunTask", "ecs:RegisterTaskDefinition", "ssm:PutParameter", "s3:PutObject"},
        ),
    ],
)
def test_every_call_of_the_builds_before_is_allowed_by_the_role(project: Project, role: str, does: set[str]) -> None:
    document = policies(project, role)
    _, made = project.requests()
    calls = [call for call in made if call["caller"] == role]
    needed = [permission for call in calls for permission in iam.required(call, region=REGION, account=ACCOUNT)]
    denied = {
        (permission.action, permission.resource)
        for permission in needed
        if not iam.allowed(document, permission.action, permission.resource, permission.context)
    }
    assert denied == set()
    assert does <= {permission.action for permission in needed}
    # And it tells: what the role is for, and nothing else.
    assert not iam.allowed(document, "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/{role}", {})
    assert not iam.allowed(document, "dynamodb:DeleteItem", None, {})


def policies(project: Project, role: str) -> list[dict[str, Any]]:
    """All policies of a role, as IAM has them."""
    client = project.client("iam")
    inline = [
        client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in client.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    attached = [one["PolicyArn"] for one in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]]
    versions = [(arn, client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]) for arn in attached]
    return inline + [
        client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        for arn, version in versions
    ]
