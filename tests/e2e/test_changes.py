"""Changes of the infrastructure, with and without a release: real Terraform, real containers, a real registry."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.project import Project, invoke_yaml, make

pytestmark = [pytest.mark.e2e, pytest.mark.long]

_DEADLINES = {"release": 120, "rollout": 60, "migration": 30, "verify": 15, "bake": 1}
VARIABLES = "environments/sandbox.tfvars"
FOUNDATION = "environments/foundation.tfvars"
SERVICE_MODULE = "terraform/modules/service/main.tf"
APP = "terraform/app/main.tf"
KEY = 'secrets_kms_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/0000"]'
"""With it, every execution role may decrypt with a key: a change of its policy, and of nothing else."""
SPARE = """
resource "aws_ecr_repository" "spare" {
  name                 = "${var.application}/spare"
  image_tag_mutability = "IMMUTABLE"
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make(tmp_path_factory.mktemp("changes"))
    made.write("invoke.yaml", invoke_yaml(lock={"lease": 3}, deadlines=_DEADLINES))
    try:
        made.invoke("sandbox.up")
        made.commit("storefront", "First")
        made.invoke("bootstrap", "--yes")
        made.invoke("release", "--yes")
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


@contextmanager
def edited(project: Project, name: str, old: str, new: str) -> Iterator[None]:
    """A file of the project with another text, while the block lasts; an empty ``old`` means at its end."""
    file = project.folder / name
    text = file.read_text()
    changed = text.replace(old, new) if old else f"{text}\n{new}\n"
    assert changed != text
    file.write_text(changed)
    try:
        yield
    finally:
        file.write_text(text)


def change(project: Project, text: str) -> None:
    project.write("storefront/greeting.txt", f"{text}\n")
    project.commit("storefront", text)


def released(project: Project) -> str:
    return str(project.invoke("status", "--json").json()["released"])


def mutating(project: Project, since: int) -> list[str]:
    _, made = project.requests(since)
    return [r["operation"] for r in made if r["mutating"] and r["service"] == "ecs"]


def running(project: Project, service: str) -> dict[str, Any]:
    """The revision that a service is on."""
    ecs = project.client("ecs")
    name = f"storefront-sandbox-{service}"
    (found,) = ecs.describe_services(cluster="storefront-sandbox", services=[name])["services"]
    return dict(ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"])


def test_a_plan_that_would_replace_a_service_is_refused(project: Project) -> None:
    change(project, "Not with an outage")
    since, _ = project.requests()
    replaced = 'name            = "${module.definition.family}-anew"'
    with edited(project, SERVICE_MODULE, "name            = module.definition.family", replaced):
        for flags in ((), ("--allow-infra",)):
            refused = project.invoke("release", "--yes", *flags, expect=5)
            for key in ("web", "worker"):
                address = f'module.services["{key}"].aws_ecs_service.this'
                assert f"{address}: delete and create (an outage: its tasks stop)" in refused.err
                assert f"--allow-destroy '{address}'" in refused.err
        assert "aws_ecs_task_definition" not in refused.err.partition("stateful or running")[2].partition("→")[0]
    assert mutating(project, since) == []


def test_a_plan_that_would_delete_a_repository_is_refused_until_it_is_named(project: Project) -> None:
    with edited(project, APP, "", SPARE):
        refused = project.invoke("apply", "--yes", expect=5)
        assert "aws_ecr_repository.spare: create" in refused.err
        assert "--allow-infra" in refused.err
        done = project.invoke("apply", "--yes", "--allow-infra", "--json").json()
        assert (done["verdict"], done["kind"]) == ("succeeded", "apply")
        assert {s["outcome"] for s in done["services"].values()} == {"not moved"}
    change(project, "Not without the spare")
    for flags in ((), ("--allow-infra",), ("--allow-destroy", "aws_ecr_repository.other")):
        refused = project.invoke("release", "--yes", *flags, expect=5)
        assert "aws_ecr_repository.spare: delete" in refused.err
        assert "--allow-destroy aws_ecr_repository.spare" in refused.err
    names = [r["repositoryName"] for r in project.client("ecr").describe_repositories()["repositories"]]
    assert sorted(names) == ["storefront/app", "storefront/spare"]
    done = project.invoke("release", "--yes", "--allow-destroy", "aws_ecr_repository.spare", "--json").json()
    assert done["verdict"] == "succeeded"
    assert done["options"]["allow_destroy"] == ["aws_ecr_repository.spare"]
    names = [r["repositoryName"] for r in project.client("ecr").describe_repositories()["repositories"]]
    assert names == ["storefront/app"]


def test_a_bootstrap_deletes_no_repository_either(project: Project) -> None:
    with edited(project, FOUNDATION, '["app"]', '["other"]'):
        refused = project.invoke("bootstrap", "--yes", expect=5)
    assert 'aws_ecr_repository.this["app"]: delete' in refused.err
    assert "--allow-destroy 'module.registry.aws_ecr_repository.this[\"app\"]'" in refused.err
    assert project.client("ecr").describe_repositories(repositoryNames=["storefront/app"])["repositories"]


def test_a_change_of_a_policy_is_refused_and_a_hotfix_goes_past_it(project: Project) -> None:
    change(project, "A hotfix")
    with edited(project, VARIABLES, "", KEY):
        refused = project.invoke("release", "--yes", expect=5)
        assert "aws_iam_role_policy" in refused.err
        assert "--allow-infra" in refused.err
        assert "--only-release" in refused.err
        done = project.invoke("release", "--yes", "--only-release", "--json").json()
        assert (done["verdict"], done["options"]["only_release"]) == ("succeeded", True)
        status = project.invoke("status", "--json").json()
        assert (status["released"], status["registered"]) == (done["version"], done["version"])
        assert all(s["registered"] == s["revision"] for s in status["services"])
        assert "release (--only-release)" in project.invoke("history", "--limit", "1").out

        left = project.invoke("plan", expect=20)
        assert "aws_iam_role_policy" in left.err
        assert "aws_ecs_task_definition" not in left.err
        assert "environment" not in left.err
        drift = project.invoke("drift", "--json", expect=20).json()
        assert (drift["running"], drift["content"]) == ([], [])
        assert all("aws_iam_role_policy" in line for line in drift["terraform"])
    assert project.invoke("plan").code == 0
    assert project.invoke("drift").code == 0


def test_a_hotfix_past_a_new_service_is_refused_before_anything_is_applied(project: Project) -> None:
    change(project, "A hotfix too many")
    before = released(project)
    since, _ = project.requests()
    api = 'services = {\n  api = { wave = 1, command = ["worker"], container_port = 0, cpu = 128, memory = 64 }\n'
    with edited(project, VARIABLES, "services = {\n", api):
        refused = project.invoke("release", "--yes", "--only-release", expect=5)
        assert "a pending change adds to the contract" in refused.err
    assert mutating(project, since) == []
    assert released(project) == before
    assert project.invoke("plan").code == 0


def test_a_new_secret_of_the_environment_needs_no_flag(project: Project) -> None:
    value = "canary-4b1c77"
    project.client("ssm").put_parameter(Name="/storefront/sandbox/api", Value=value, Type="SecureString")
    change(project, "With a secret")
    with edited(project, VARIABLES, "", 'secrets = { API = "ssm:/storefront/sandbox/api" }'):
        done = project.invoke("release", "--yes", "--json")
        assert value not in done.out + done.err
        assert any("secret API: (none) → arn:aws:ssm" in line for line in done.json()["changes"])
        project.invoke("restart", "web", "--yes")  # as after a rotation
        assert project.invoke("drift").code == 0
    change(project, "Without it again")
    project.invoke("release", "--yes")


def test_an_apply_that_changes_only_memory_rolls_out_with_the_released_tag(project: Project) -> None:
    version, before = released(project), running(project, "worker")
    web = running(project, "web")["taskDefinitionArn"]
    ports = 'command        = ["worker"]\n    container_port = 0 # no port\n'
    worker = f"{ports}    desired_count  = 1\n    cpu            = 128\n"
    with edited(project, VARIABLES, f"{worker}    memory         = 128", f"{worker}    memory         = 160"):
        assert "memory: 128 → 160" in project.invoke("drift", expect=20).out
        unattended = project.invoke("apply", expect=5)
        assert "storefront-sandbox-worker · memory: 128 → 160" in unattended.err
        since, _ = project.requests()
        done = project.invoke("apply", "--yes", "--json").json()
        assert (done["verdict"], done["kind"], done["version"]) == ("succeeded", "apply", version)
        assert mutating(project, since) == ["RegisterTaskDefinition", "UpdateService"]
        after = running(project, "worker")
        assert (before["memory"], after["memory"]) == ("128", "160")
        assert after["containerDefinitions"][0]["image"].endswith(f":{version}")
        assert running(project, "web")["taskDefinitionArn"] == web
        newest = project.invoke("history", "--limit", "1").out
        assert re.search(rf"{version} +apply ", newest)
        assert f"{done['release']} (apply)" in project.invoke("show", done["release"]).out
        assert (released(project), project.invoke("plan").code) == (version, 0)
        assert project.invoke("drift").code == 0
    assert project.invoke("apply", "--yes", "--json").json()["verdict"] == "succeeded"
    assert running(project, "worker")["memory"] == "128"


def test_a_count_and_a_restart_on_real_containers(project: Project) -> None:
    version = released(project)
    done = project.invoke("scale", "web=3", "worker=2", "--yes", "--json").json()
    assert (done["verdict"], done["kind"], done["version"]) == ("succeeded", "scale", version)
    ecs = project.client("ecs")
    names = ["storefront-sandbox-web", "storefront-sandbox-worker"]

    def tasks() -> dict[str, set[str]]:
        return {n: set(ecs.list_tasks(cluster="storefront-sandbox", serviceName=n)["taskArns"]) for n in names}

    before = tasks()
    assert [len(before[name]) for name in names] == [3, 2]
    assert project.invoke("restart", "--yes", "--json").json()["verdict"] == "succeeded"
    after = tasks()
    assert [len(after[name]) for name in names] == [3, 2]
    assert not before[names[0]] & after[names[0]]
    assert not before[names[1]] & after[names[1]]
    assert json.loads(project.invoke("history", "--limit", "2", "--json").out)[0]["kind"] == "restart"
    assert project.invoke("scale", "web=2", "worker=1", "--yes").code == 0
    assert project.invoke("plan").code == 0


def test_a_state_that_is_locked_is_freed_by_the_hint(project: Project) -> None:
    """A lock as the S3 backend writes it, of a terraform that is gone."""
    lock = {
        "ID": "5a0c2c0e-0000-4000-8000-000000000001", "Operation": "OperationTypeApply", "Info": "", "Who": "ann@gone",
        "Version": "1.11.4", "Created": "2026-01-02T03:04:05.000000000Z", "Path": "state",
    }  # fmt: skip
    assert "is not locked" in project.invoke("state.unlock").out
    s3 = project.client("s3")
    (bucket,) = [b["Name"] for b in s3.list_buckets()["Buckets"]]
    key = "storefront/sandbox.tfstate.tflock"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(lock).encode())
    shown = project.invoke("state.unlock")
    assert f"OperationTypeApply by ann@gone since 2026-01-02T03:04:05.000000000Z, lock id {lock['ID']}" in shown.out
    wrong = project.invoke("state.unlock", "--id", lock["ID"].replace("5a", "5b"), expect=2)
    assert "is not the id of this lock" in wrong.err
    assert s3.get_object(Bucket=bucket, Key=key)
    project.invoke(*shlex.split(f"state.unlock --id {lock['ID']}"))
    assert "is not locked" in project.invoke("state.unlock").out
    assert project.invoke("plan").code == 0
