"""The whole, on real Terraform, real containers and a real registry."""

from __future__ import annotations

import pytest

from tests.e2e.journey import Found
from tests.e2e.project import Project

pytestmark = pytest.mark.e2e


def test_versions_count_up_and_every_release_succeeds(found: Found) -> None:
    said = {name: (r["version"], r["verdict"], r["exit_code"]) for name, r in found.releases.items()}
    assert said == {
        "first": ("v1.0.0", "succeeded", 0),
        "second": ("v1.0.1", "succeeded", 0),
        "same commit": ("v1.0.2", "succeeded", 0),
        "rollback": ("v1.0.1", "succeeded", 0),
        "gateway": ("v1.0.0", "succeeded", 0),
    }


def test_the_page_is_the_released_one(found: Found) -> None:
    assert "v1.0.0" in found.pages["first"]
    assert "v1.0.1" in found.pages["second"]
    assert "Hello from the second release" in found.pages["second"]
    assert "v1.0.1" in found.pages["rollback"]


def test_no_request_failed_during_the_second_release(found: Found) -> None:
    assert found.visitor is not None
    assert found.visitor.failed == []
    assert found.visitor.asked > 100


@pytest.mark.parametrize("after", ["bootstrap", "first", "second", "rollback", "crash", "migration"])
def test_terraforms_next_plan_is_empty(found: Found, after: str) -> None:
    assert found.plans[after] == (0, 0, 0)


def test_the_migration_ran_before_the_worker_and_the_worker_before_web(found: Found) -> None:
    names = [step["name"] for step in found.releases["second"]["steps"]]
    assert names == [
        "inspect", "version", "build and plan", "apply", "migrate", "roll out wave 1", "roll out wave 2", "verify",
        "record",
    ]  # fmt: skip
    assert found.releases["second"]["migration"]["exit_code"] == 0


def test_a_release_registers_revisions_and_moves_services_and_changes_nothing_else(found: Found) -> None:
    changed = [f"{r['service']}:{r['operation']}" for r in found.requests if r["mutating"]]
    outside = [c for c in changed if not c.startswith(("s3:", "dynamodb:"))]
    apply = sorted(outside[: outside.index("ecs:RunTask")])
    assert [c for c in apply if not c.startswith("ecr:")] == ["ecs:RegisterTaskDefinition"] * 3
    assert outside[outside.index("ecs:RunTask") :] == [
        "ecs:RunTask",
        "ecs:UpdateService",
        "ecs:UpdateService",
        "ssm:PutParameter",
    ]


def test_the_record_says_everything(found: Found) -> None:
    record = found.releases["second"]
    assert (record["subject"], record["author"]) == ("Second", "Test <test@example.com>")
    assert len(record["commit"]) == 40
    assert record["variables_digest"].startswith("sha256:")
    assert record["images"]["app"]["digest"].startswith("sha256:")
    assert record["actor"]["arn"].startswith("arn:aws:")
    for service in record["services"].values():
        assert service["outcome"] == "completed"
        assert service["before"]["task_definition"] != service["after"]["task_definition"]
        assert service["before"]["count"] == service["after"]["count"] >= 1
    history = found.answers["history"].json()
    assert [r["version"] for r in history[:4]] == ["v1.0.1", "v1.0.2", "v1.0.1", "v1.0.0"]
    assert history[2] == record


def test_a_commit_built_before_is_not_built_again(found: Found) -> None:
    second, same = found.releases["second"]["images"]["app"], found.releases["same commit"]["images"]["app"]
    assert (second["reused"], same["reused"]) == (False, True)
    assert second["digest"] == same["digest"]


def test_the_first_roll_out_sends_the_counts_and_later_ones_none(found: Found) -> None:
    first = found.releases["first"]["services"]
    assert {key: s["before"]["count"] for key, s in first.items()} == {"web": 0, "worker": 0}
    assert all(s["after"]["count"] >= 1 for s in first.values())


def test_without_a_terminal_and_without_yes_nothing_is_applied(found: Found) -> None:
    assert "--yes" in found.answers["unattended"].err


def test_a_dirty_tree_is_refused_and_nothing_is_written(found: Found) -> None:
    assert "greeting.txt" in found.answers["dirty"].err
    assert "--allow-dirty" in found.answers["dirty"].err
    assert len(found.answers["history"].json()) == 4


def test_status_after_a_rollback(found: Found) -> None:
    status = found.answers["status"].json()
    assert (status["released"], status["registered"]) == ("v1.0.1", "v1.0.1")
    for service in status["services"]:
        assert service["version"] == "v1.0.1"
        assert service["running"] == service["desired"] >= 1
        assert service["registered_differs"] == []


def test_a_version_that_crashes_is_moved_back(found: Found) -> None:
    crash = found.answers["crash"].json()
    assert found.answers["crash"].code == crash["exit_code"]
    assert (crash["verdict"], crash["cause"]) == ("rolled_back", "rollout")
    assert {key: s["outcome"] for key, s in crash["services"].items()} == {"web": "moved back", "worker": "moved back"}
    assert any("migration had run" in warning for warning in crash["warnings"])
    assert "v1.0.1" in found.pages["crash"]


def test_a_migration_that_fails_moves_nothing(found: Found) -> None:
    migration = found.answers["migration"].json()
    assert (migration["verdict"], migration["cause"]) == ("failed", "migration")
    assert {s["outcome"] for s in migration["services"].values()} == {"not moved"}
    assert "exit code 3" in found.answers["migration"].err
    assert "column exists already" in found.answers["migration"].err


def test_a_build_that_fails_shows_its_last_lines(found: Found) -> None:
    assert "this is the end" in found.answers["build"].err


def test_an_application_of_another_shape_beside_the_first(found: Found) -> None:
    gateway = found.releases["gateway"]
    assert set(gateway["images"]) == {"app", "sidecar"}
    assert gateway["migration"] is None
    assert found.pages["gateway"] == "gateway v1.0.0\n"
    assert "v1.0.1" in found.pages["storefront beside gateway"]


def test_the_stock_waiter_and_logs_agree(found: Found, project: Project) -> None:
    ecs, logs = project.client("ecs"), project.client("logs")
    ecs.get_waiter("services_stable").wait(cluster="storefront-sandbox", services=["storefront-sandbox-web"])
    events = logs.filter_log_events(logGroupName="/storefront/sandbox/migrate")["events"]
    assert events


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "said"),
    [
        (["release", "--tag", "v9.9.9", "--yes"], {}, 2, "v9.9.9 does not exist"),
        (["version", "-e", "nowhere"], {}, 2, "nowhere"),
        (
            ["release", "--yes"],
            {"INVOKE_LONGSHORE_APPLICATIONS_STOREFRONT_ENVIRONMENTS_SANDBOX_ACCOUNT": "999999999999"},
            2,
            "999999999999",
        ),
        (["release", "--yes"], {"DOCKER_HOST": "tcp://127.0.0.1:9"}, 4, "Docker engine"),
        (["destroy", "--yes-really", "production"], {}, 2, "nothing was destroyed"),
    ],
)
def test_bad_input_changes_nothing(
    found: Found, project: Project, arguments: list[str], environ: dict[str, str], code: int, said: str
) -> None:
    since, _ = project.requests()
    answer = project.invoke(arguments[0], "-a", "storefront", *arguments[1:], expect=code, **environ)
    _, requests = project.requests(since)
    assert said in answer.err
    assert [r["operation"] for r in requests if r["mutating"] and r["service"] != "s3"] == []
