from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from longshore.aws.ecs_types import CapacityProvider, Container, Placement, Task
from longshore.config.contract import Launch, parse
from longshore.errors import AwsError, InterruptError, MigrationError, NoCapacityError, UnknownOutcomeError
from longshore.masking import Masks
from longshore.result import MigrationResult
from longshore.rollout.migration import Migrator, Retries, release_token
from tests.fakes.samples import WHEN, moved_clock, release_output, task

MIGRATION = parse(release_output(), "shop", "test").migration
TOKEN = release_token("shop", "test-000007", WHEN)
DEFINITION = {
    "containerDefinitions": [
        {
            "name": "migrate",
            "essential": True,
            "logConfiguration": {"options": {"awslogs-stream-prefix": "ecs"}},
        },
        {"name": "agent", "essential": False},
    ]
}


def ended(exit_code: int | None, stop_code: str = "EssentialContainerExited", *others: Container) -> Task:
    main = Container("migrate", "app:v1", None, exit_code, "")
    return task(main, *others, last_status="STOPPED", stop_code=stop_code)


@dataclass
class Ecs:
    seen: list[list[Task] | AwsError]
    refused: list[AwsError] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    before: list[Task | AwsError] = field(default_factory=list)
    run_called: bool = False
    tokens: list[str] = field(default_factory=list)
    definition: dict[str, Any] = field(default_factory=lambda: DEFINITION)

    def tasks_of_family(self, cluster: str, family: str) -> list[Task]:
        assert family == "shop-test-migrate"
        for error in [answer for answer in self.before if isinstance(answer, AwsError)]:
            if self.run_called:
                raise error
        return [answer for answer in self.before if isinstance(answer, Task)]

    def run_task(self, cluster: str, task_definition: str, **options: Any) -> Task:
        self.run_called = True
        self.tokens.append(options["client_token"])
        if self.refused:
            raise self.refused.pop(0)
        self.runs.append({"cluster": cluster, "task_definition": task_definition, **options})
        return task(last_status="PROVISIONING")

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Task]:
        answer = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def task_definition(self, arn: str) -> dict[str, Any]:
        return self.definition


class Logs:
    def __init__(self) -> None:
        self.followed: list[tuple[str, str]] = []
        self.unread = ["schema 1", "schema 2"]

    def follow(self, group: str, stream: str) -> Logs:
        self.followed.append((group, stream))
        return self

    def lines(self) -> list[str]:
        lines, self.unread = self.unread, []
        return lines


def run(ecs: Ecs, logs: Logs | None = None, deadline: float = 600, retries: Retries | None = None) -> MigrationResult:
    assert MIGRATION is not None
    migrator = Migrator(ecs, logs or Logs(), moved_clock(), "cluster", deadline, Masks())
    return migrator.run(MIGRATION, TOKEN, lambda _: None, retries)


def test_exit_code_0_is_success_and_the_log_is_kept() -> None:
    ecs, logs = Ecs([[task()], [ended(0)]]), Logs()
    result = run(ecs, logs)
    assert (result.exit_code, result.log) == (0, ["schema 1", "schema 2"])
    assert logs.followed == [("/shop/test/migrate", "ecs/migrate/0123abcd")]
    assert [(r["client_token"], r["started_by"]) for r in ecs.runs] == [(TOKEN, TOKEN)]


def test_the_task_is_placed_as_the_contract_says() -> None:
    assert MIGRATION is not None
    strategy = [{"capacity_provider": "FARGATE_SPOT", "weight": 3, "base": 1}]
    launch = {"type": "FARGATE", "capacity_provider_strategy": strategy, "subnets": ["subnet-1"]}
    ecs = Ecs([[ended(0)]])
    migrator = Migrator(ecs, Logs(), moved_clock(), "cluster", 600, Masks())
    migrator.run(MIGRATION.model_copy(update={"launch": Launch.model_validate(launch)}), TOKEN, lambda _: None)
    expected = Placement("FARGATE", (CapacityProvider("FARGATE_SPOT", 3, 1),), ("subnet-1",))
    assert [run["placement"] for run in ecs.runs] == [expected]


def test_a_task_may_be_missing_from_the_first_reads() -> None:
    assert run(Ecs([[], [], [ended(0)]])).exit_code == 0


@pytest.mark.parametrize(
    "last",
    [ended(3), ended(None), ended(None, "TaskFailedToStart"), ended(0, "UserInitiated")],
)
def test_any_other_end_is_a_failure_with_its_result(last: Task) -> None:
    with pytest.raises(MigrationError) as caught:
        run(Ecs([[last]]))
    assert caught.value.result.log == ["schema 1", "schema 2"]


def test_a_container_that_is_not_essential_may_fail() -> None:
    agent = Container("agent", "agent", None, 1, "")
    assert run(Ecs([[ended(0, "EssentialContainerExited", agent)]])).exit_code == 0


def test_the_outcome_is_unknown_if_the_migration_still_runs_at_the_deadline() -> None:
    with pytest.raises(UnknownOutcomeError, match="still runs after 60 s") as caught:
        run(Ecs([[task()]]), deadline=60)
    assert (caught.value.result.task, caught.value.result.log) == (task().arn, ["schema 1", "schema 2"])
    assert (caught.value.result.exit_codes, caught.value.result.succeeded) == ({}, False)


def test_a_task_that_could_not_be_placed_is_a_failure() -> None:
    with pytest.raises(MigrationError, match="did not start: no capacity"):
        run(Ecs([[]], refused=[AwsError("no capacity", code="Failures")]))


@pytest.mark.parametrize("code", ["", "ServerException"])
def test_the_outcome_is_unknown_if_the_start_is_never_answered(code: str) -> None:
    with pytest.raises(UnknownOutcomeError, match="could not determine whether the migration has started: away"):
        run(Ecs([[]], refused=[AwsError("away", code=code)] * 1000))


def test_a_start_that_is_always_throttled_is_a_failure() -> None:
    with pytest.raises(MigrationError, match="did not start: slow down"):
        run(Ecs([[]], refused=[AwsError("slow down", code="ThrottlingException")] * 1000))


def test_a_start_without_an_answer_is_repeated_with_the_same_token() -> None:
    ecs = Ecs([[ended(0)]], refused=[AwsError("no answer"), AwsError("slow down", code="ThrottlingException")])
    assert run(ecs).exit_code == 0
    assert [r["client_token"] for r in ecs.runs] == [TOKEN]


def test_a_task_that_this_release_has_started_is_not_started_again() -> None:
    ecs = Ecs([[ended(0)]], before=[task(), replace(task(), started_by=TOKEN)])
    assert run(ecs).exit_code == 0
    assert ecs.runs == []


def test_a_task_of_another_application_or_ledger_is_ignored() -> None:
    """Two applications may share a cluster, and a new ledger counts from 1 again."""
    others = [
        release_token("billing", "test-000007", WHEN),
        release_token("shop", "test-000007", WHEN + timedelta(days=1)),
    ]
    ecs = Ecs([[ended(0)]], before=[replace(ended(0), started_by=name) for name in [*others, "test-000007"]])
    assert run(ecs).exit_code == 0
    assert [r["started_by"] for r in ecs.runs] == [TOKEN]


def test_a_release_token_has_at_most_36_characters() -> None:
    name = release_token("a" * 60, "an-environment-with-a-long-name-000007", WHEN)
    assert re.fullmatch(r"[A-Za-z0-9-]{1,36}", name)
    assert name == release_token("a" * 60, "an-environment-with-a-long-name-000007", WHEN)
    assert TOKEN.startswith("test-000007-")


@pytest.mark.parametrize(
    "later",
    [
        {"refused": [AwsError("no answer"), AwsError("expired", code="ExpiredTokenException")]},
        {"refused": [AwsError("no answer"), AwsError("no capacity", code="Failures")]},
        {"refused": [AwsError("no answer")], "before": [AwsError("expired", code="ExpiredTokenException")]},
    ],
    ids=["start refused", "no capacity", "read refused"],
)
def test_the_outcome_is_unknown_if_a_refusal_follows_a_start_without_an_answer(later: dict[str, Any]) -> None:
    with pytest.raises(UnknownOutcomeError, match="could not determine whether the migration has started"):
        run(Ecs([[]], **later))


def test_a_missing_container_is_reported_before_the_start() -> None:
    ecs = Ecs([[task()]], definition={"containerDefinitions": [{"name": "other"}]})
    with pytest.raises(MigrationError, match=r"shop-test-migrate:2 has no container 'migrate'"):
        run(ecs)
    assert not ecs.run_called


def test_a_throttled_read_is_repeated() -> None:
    assert run(Ecs([AwsError("slow down", code="ThrottlingException"), [ended(0)]])).exit_code == 0


@pytest.mark.parametrize("lost", [[], AwsError("expired", code="ExpiredTokenException")])
def test_the_outcome_is_unknown_if_the_task_can_no_longer_be_read(lost: list[Task] | AwsError) -> None:
    with pytest.raises(UnknownOutcomeError, match="0123abcd"):
        run(Ecs([[task()], lost]))


def test_an_unreadable_log_does_not_fail_the_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    logs = Logs()

    def refuse() -> list[str]:
        raise AwsError("denied", code="AccessDeniedException")

    monkeypatch.setattr(logs, "lines", refuse)
    result = run(Ecs([[ended(0)]]), logs)
    assert (result.exit_code, result.log_complete) == (0, False)


def test_secrets_are_learned_before_the_log_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    masks, shown = Masks(), []
    container = DEFINITION["containerDefinitions"][0] | {"environment": [{"name": "DB_PASSWORD", "value": "schema 1"}]}
    monkeypatch.setitem(DEFINITION, "containerDefinitions", [container])
    migrator = Migrator(Ecs([[ended(0)]]), Logs(), moved_clock(), "cluster", 60, masks)
    assert MIGRATION is not None
    migrator.run(MIGRATION, "test-000007", lambda line: shown.append(masks.mask_untrusted(line)))
    assert shown == ["(masked)", "schema 2"]


def test_the_reason_of_a_failure_is_masked_by_name() -> None:
    failed = replace(ended(1), stopped_reason='exec: "DB_PASSWORD"=>"canary 1", exited')
    with pytest.raises(MigrationError) as caught:
        run(Ecs([[failed]]))
    assert '"DB_PASSWORD"=>"(masked)", exited' in caught.value.message


FULL = NoCapacityError("RESOURCE:CPU", code="Failures")
UNCERTAIN = NoCapacityError("RESOURCE:CPU", code="Failures", certain=False)
NO_ANSWER = AwsError("no answer")
THROTTLED = AwsError("slow down", code="ThrottlingException")


@pytest.mark.parametrize(
    ("refused", "tokens"),
    [
        ([FULL], ["", "-1"]),
        ([FULL, FULL], ["", "-1", "-2"]),
        ([FULL, THROTTLED], ["", "-1", "-1"]),
        ([FULL, NO_ANSWER, FULL], ["", "-1", "-1", "-1"]),
        ([NO_ANSWER, FULL, FULL], ["", "", "", ""]),
        ([UNCERTAIN, FULL], ["", "", ""]),
    ],
)
def test_a_start_without_capacity_is_tried_again(refused: list[AwsError], tokens: list[str]) -> None:
    """A token may be spent by a refusal; it is kept if an attempt without an answer may have started the task."""
    ecs = Ecs([[ended(0)]], refused=list(refused))
    assert run(ecs, retries=Retries(seconds=600)).exit_code == 0
    assert ecs.tokens == [f"{TOKEN}{end}" for end in tokens]
    assert [r["started_by"] for r in ecs.runs] == [TOKEN]


def test_an_attempt_is_recorded_before_it_is_made() -> None:
    ecs = Ecs([[ended(0)]], refused=[FULL, FULL])
    recorded: list[tuple[int, int, str]] = []
    run(ecs, retries=Retries(0, 600, lambda tries, reason: recorded.append((tries, len(ecs.tokens), reason))))
    assert recorded == [(1, 1, "RESOURCE:CPU"), (2, 2, "RESOURCE:CPU")]


def test_a_resumed_release_repeats_the_last_attempt() -> None:
    ecs = Ecs([[ended(0)]])
    run(ecs, retries=Retries(2, 600))
    assert ecs.tokens == [f"{TOKEN}-2"]


def test_a_task_that_became_visible_meanwhile_is_not_started_again() -> None:
    class Late(Ecs):
        def run_task(self, cluster: str, task_definition: str, **options: Any) -> Task:
            self.before = [replace(task(), started_by=TOKEN)]
            return super().run_task(cluster, task_definition, **options)

    ecs = Late([[ended(0)]], refused=[UNCERTAIN])
    assert run(ecs, retries=Retries(seconds=600)).exit_code == 0
    assert (ecs.tokens, ecs.runs) == ([TOKEN], [])


def test_a_start_without_capacity_fails_at_the_deadline() -> None:
    ecs = Ecs([[]], refused=[FULL] * 1000)
    with pytest.raises(MigrationError, match="did not start: RESOURCE:CPU"):
        run(ecs, retries=Retries(seconds=600))
    assert 60 < len(ecs.tokens) < 100  # about one in ten seconds


def test_a_throttled_start_is_repeated_after_a_long_wait_for_capacity() -> None:
    ecs = Ecs([[ended(0)]], refused=[*[FULL] * 40, THROTTLED])
    assert run(ecs, retries=Retries(seconds=600)).exit_code == 0


def test_a_signal_ends_the_wait_for_capacity() -> None:
    def stop(tries: int, reason: str) -> None:
        raise InterruptError(2)

    ecs = Ecs([[]], refused=[FULL])
    with pytest.raises(InterruptError):
        run(ecs, retries=Retries(0, 600, stop))
    assert ecs.tokens == [TOKEN]


def test_a_token_of_an_attempt_has_at_most_64_characters() -> None:
    name = release_token("a" * 60, "an-environment-with-a-long-name-000007", WHEN)
    assert len(Retries(100_000).token(name)) <= 64
