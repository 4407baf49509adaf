from __future__ import annotations

import io
import json

import pytest

from longshore.console import Console
from longshore.errors import UsageError
from longshore.ledger.releases import Ledger
from longshore.result import ImageResult, MigrationResult, Running, ServiceResult, StepResult
from longshore.tasks import views
from longshore.verdict import Cause, Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, arn, result


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger(MemoryTable(), "test")
    service = ServiceResult(
        name="shop-test-web",
        wave=1,
        before=Running(task_definition=arn("web", 1), count=2),
        after=Running(task_definition=arn("web", 2), count=2),
        outcome="moved back",
    )
    made.begin(
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
    events = made.events("test-000001")
    events.append("intent", "update web", arn("web", 2), 4)
    events.append("outcome", "update web", "done", 4)
    return made


def shown(ledger: Ledger, release: str, *, as_json: bool = False) -> str:
    out = io.StringIO()
    views.show_release(Console(out, io.StringIO()), ledger, release, as_json=as_json)
    return out.getvalue()


def test_everything_is_said_of_a_release(ledger: Ledger) -> None:
    text = shown(ledger, "test-000001")
    for said in (
        "rolled_back (rollout)", "web: it crashed", "web · image: a → b", "registry/shop/app:v1.0.0 sha256:1",
        "Bea <bea@example.org>", "shop-test-release:1d9d, started by shop-hook",
        "moved back", "migrate:2 exit code 0", "apply: 3.2 s", "staging-000007", "1 times",
        "release (--only-release)", "allow_destroy=aws_lb.a aws_lb.b",
        "intent update web", "outcome update web done",
    ):  # fmt: skip
        assert said in text


def test_as_json_with_its_events(ledger: Ledger) -> None:
    document = json.loads(shown(ledger, "test-000001", as_json=True))
    assert document["exit_code"] == 8
    assert document["author"] == "Bea <bea@example.org>"
    assert (document["actor"]["build"], document["actor"]["initiator"]) == ("shop-test-release:1d9d", "shop-hook")
    assert [(e["number"], e["kind"], e["fence"]) for e in document["events"]] == [(1, "intent", 4), (2, "outcome", 4)]


def test_the_history_says_which_release_left_the_infrastructure_alone(ledger: Ledger) -> None:
    out = io.StringIO()
    views.history(Console(out, io.StringIO()), list(ledger.releases()), as_json=False)
    assert "release (--only-release)" in out.getvalue()


def test_a_release_that_does_not_exist(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="there is no release 'test-000009'"):
        shown(ledger, "test-000009")
