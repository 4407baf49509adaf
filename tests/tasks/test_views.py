from __future__ import annotations

import io
import json

import pytest

from longshore.commands.drift import Drift
from longshore.errors import UsageError
from longshore.ledger.releases import Ledger
from longshore.result import ImageResult, MigrationResult, Running, ServiceResult, StepResult
from longshore.tasks import views
from longshore.terminal.console import Console
from longshore.verdict import Cause, Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, arn, result


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(MemoryTable(), "test")
    service = ServiceResult(
        name="shop-test-web",
        wave=1,
        before=Running(task_definition=arn("web", 1), count=2),
        after=Running(task_definition=arn("web", 2), count=2),
        outcome="moved back",
    )
    ledger.begin(
        result(
            verdict=Verdict.ROLLED_BACK,
            cause=Cause.ROLLOUT,
            message="web: it crashed",
            changes=["web · image: a → b"],
            images={"app": ImageResult(repository="registry/shop/app", tag="v1.0.0", digest="sha256:1")},
            services={"web": service},
            migration=MigrationResult(task="t", task_definition=arn("migrate", 2), before_wave=1, exit_code=0),
            steps=[StepResult(name="apply", seconds=3.25)],
            promoted_from="staging-000007",
            author="Bea <bea@example.org>",
            actor={**ACTOR.model_dump(), "build": "shop-test-release:1d9d", "initiator": "shop-hook"},
            options={"only_release": True, "allow_destroy": ["aws_lb.a", "aws_lb.b"]},
            resumed=1,
        )
    )
    events = ledger.events("test-000001")
    events.append("intent", "update web", arn("web", 2), 4)
    events.append("outcome", "update web", "done", 4)
    return ledger


def shown(ledger: Ledger, release: str, *, as_json: bool = False) -> str:
    out = io.StringIO()
    views.show_release(Console(out, io.StringIO()), ledger, release, as_json=as_json)
    return out.getvalue()


def test_show_prints_everything_recorded(ledger: Ledger) -> None:
    text = shown(ledger, "test-000001")
    for part in (
        "rolled_back (rollout)", "web: it crashed", "web · image: a → b", "registry/shop/app:v1.0.0 sha256:1",
        "Bea <bea@example.org>", "shop-test-release:1d9d, started by shop-hook",
        "moved back", "migrate:2 exit code 0", "apply: 3.2 s", "staging-000007", "1 times",
        "release (--only-release)", "allow_destroy=aws_lb.a aws_lb.b",
        "intent update web", "outcome update web done",
    ):  # fmt: skip
        assert part in text


def test_show_as_json_has_the_events(ledger: Ledger) -> None:
    document = json.loads(shown(ledger, "test-000001", as_json=True))
    assert document["exit_code"] == 8
    assert document["author"] == "Bea <bea@example.org>"
    assert (document["actor"]["build"], document["actor"]["initiator"]) == ("shop-test-release:1d9d", "shop-hook")
    assert [(e["number"], e["kind"], e["fence"]) for e in document["events"]] == [(1, "intent", 4), (2, "outcome", 4)]


def test_the_history_marks_releases_that_left_the_infrastructure_untouched(ledger: Ledger) -> None:
    out = io.StringIO()
    views.history(Console(out, io.StringIO()), list(ledger.releases()), as_json=False)
    assert "release (--only-release)" in out.getvalue()


def test_a_release_that_does_not_exist(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="there is no release 'test-000009'"):
        shown(ledger, "test-000009")


def summary(**changes: object) -> tuple[str, str]:
    """What the end of a run prints on stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    views.result(Console(out, err), result(**changes), as_json=False)
    return out.getvalue(), err.getvalue()


def test_the_end_of_a_run_is_one_line() -> None:
    assert summary(verdict=Verdict.SUCCEEDED, version="v1.0.3", seconds=61.4) == (
        "test-000001: v1.0.3 succeeded in test after 61 s\n",
        "",
    )
    assert summary(verdict=Verdict.SUCCEEDED, kind="scale", version="v1.0.3")[0].startswith(
        "test-000001: scale of v1.0.3 "
    )
    assert summary(verdict=Verdict.SUCCEEDED, kind="apply", version="")[0].startswith("test-000001: apply of apply ")


def test_the_end_of_a_run_that_failed_says_why() -> None:
    out, err = summary(
        verdict=Verdict.ROLLED_BACK, version="v1.0.3", message="web: it crashed", hint="Fix it.", seconds=9
    )
    assert out == "test-000001: v1.0.3 rolled back in test after 9 s\n"
    assert err == "error: web: it crashed\n  → Fix it.\n"
    assert summary(verdict=Verdict.WAITING, message="waits", hint="Approve.")[1] == "waits\n  → Approve.\n"


def test_no_drift_is_one_line() -> None:
    out = io.StringIO()
    views.drift(Console(out, io.StringIO()), Drift("shop", "test", "v1.0.0", (), (), ()), as_json=False)
    assert out.getvalue() == "shop in test: no drift (released: v1.0.0)\n"


def test_drift_is_listed_by_its_kind() -> None:
    out = io.StringIO()
    differences = Drift("shop", "test", "v1.0.0", ("a", "b"), (), ("c",))
    views.drift(Console(out, io.StringIO()), differences, as_json=False)
    assert out.getvalue() == "Terraform would change:\n  a\n  b\nregistered, but not running:\n  c\n"
