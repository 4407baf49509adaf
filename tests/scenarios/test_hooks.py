"""Pause hooks in stories: `invoke continue` from another machine, and releases that are resumed while they wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longshore.commands import release, resume
from longshore.commands.continue_deployment import Continued, continue_deployment
from longshore.commands.status import status
from longshore.errors import AwsError, DeclinedError, LockedError, NotReadyError, UsageError
from longshore.verdict import ExitCode, Verdict, exit_code_of
from tests.fakes.samples import ACTOR
from tests.scenarios import shop
from tests.scenarios.play import StagedEnvironment, staged
from tests.scenarios.scenario import Event, Hook, Scenario
from tests.scenarios.stage import Stage, Theatre
from tests.scenarios.test_stories import ORDER, file, set_for

pytestmark = pytest.mark.scenario

CONTINUE = Event(do="an operator continues web at its hook", after="update web new", wait=120)


def hooked(*events: Event, **hooks: Hook) -> Scenario:
    story = file("plain")
    shape = story.shape.model_copy(update={"hooks": hooks or {"web": Hook()}})
    return story.model_copy(update={"shape": shape, "events": events})


class KilledError(BaseException):
    """The end of a process that is killed."""


def left_waiting(stage: Stage, env: StagedEnvironment) -> None:
    """A release whose process is killed while web waits: it writes nothing any more, and its lock stays."""

    def kill(*_: Any, **__: Any) -> None:
        raise KilledError

    def killed(_key: str, *, rollback: bool) -> None:
        env.ledger._table.table.put = kill  # type: ignore[method-assign,assignment]
        raise KilledError

    stage.answer_hook = killed
    with stage.command(), pytest.raises(KilledError):
        release.release(env, ORDER)
    stage.answer_hook = answering(stage)


def answering(stage: Stage) -> Callable[..., None]:
    """An operator at another machine."""

    def answer(key: str, *, rollback: bool) -> None:
        answered(stage, key, rollback=rollback)

    return answer


def deployed(stage: Stage, *keys: str) -> None:
    """Another process deploys, and waits at the hooks of these services."""
    for key in keys:
        stage.do(f"another process deploys {key}")
    stage.pass_time(5)


def answered(stage: Stage, service: str | None = None, **options: Any) -> Continued:
    return continue_deployment(staged(stage), service=service, yes=True, **options)


def refused(stage: Stage, service: str | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        answered(stage, service)
    assert exit_code_of(caught.value) is ExitCode.USAGE
    return caught.value


def test_the_entry_of_the_release_has_the_answer_and_the_terminal_says_each_wait_once(
    theatre: Theatre, tmp_path: Path
) -> None:
    answers: list[Continued] = []

    def answer(key: str, *, rollback: bool) -> None:
        answers.append(answered(stage, key, rollback=rollback))

    with set_for(theatre, hooked(CONTINUE), tmp_path) as (stage, env):
        stage.answer_hook = answer
        object.__setattr__(env.console, "_err", stage.terminal)
        with stage.command():
            result = release.release(env, ORDER)
        stored = env.ledger.find(result.release)
        (kept,) = env.ledger.answers(result.release).read()
    assert result.verdict is Verdict.SUCCEEDED
    (continued,) = answers
    assert (continued.release, continued.alive, continued.answers[0].state) == (result.release, True, "given")
    assert kept == continued.answers[0]
    assert stored is not None
    assert stored.answers == result.answers == [str(kept)]
    assert stage.terminal.getvalue().count("To continue: invoke continue -e sandbox --service web") == 1


def test_a_release_that_was_left_at_a_hook_is_resumed_and_waits_again(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(CONTINUE), tmp_path) as (stage, env):
        left_waiting(stage, env)
        stage.pass_time(100)
        go_on = Event(do="an operator continues web at its hook", at=200)
        stage.scenario = hooked(go_on)
        with stage.command():
            result = resume.resume(staged(stage), yes=True)
            assert not any(call.startswith("update") for call in stage.calls())
    assert (result.verdict, len(result.answers)) == (Verdict.SUCCEEDED, 1)


def test_a_hook_is_answered_while_no_process_runs_and_the_release_is_resumed_after_it(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, hooked(CONTINUE), tmp_path) as (stage, env):
        left_waiting(stage, env)
        continued = answered(stage)
        assert (continued.release, "invoke release --resume" in continued.next_step) == ("sandbox-000002", True)
        stage.pass_time(60)
        stage.scenario = hooked()
        with stage.command():
            result = resume.resume(staged(stage), yes=True)
    assert (result.verdict, result.resumed) == (Verdict.SUCCEEDED, 1)


def test_a_release_that_was_left_at_a_hook_is_aborted_without_another_wait(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(CONTINUE), tmp_path) as (stage, env):
        left_waiting(stage, env)
        stage.scenario = hooked()
        with stage.command():
            result = resume.resume(staged(stage), yes=True, abort=True)
            assert stage.calls().count("stop-deployment web") == 1
        assert {key: stage.runs(key) for key in result.services} == {"web": "old", "worker": "old"}
    assert result.services["web"].outcome == "moved back"


def test_the_deadline_of_the_release_waits_as_well(theatre: Theatre, tmp_path: Path) -> None:
    """A wait of wave 1 leaves wave 2 the time that it has without a hook."""
    story = hooked(
        Event(do="an operator continues worker at its hook", after="update worker new", wait=650), worker=Hook()
    )
    with set_for(theatre, story, tmp_path) as (stage, env):
        stage.answer_hook = answering(stage)
        with stage.command():
            result = release.release(env, ORDER)
    assert (result.verdict, result.message) == (Verdict.SUCCEEDED, "")


def test_nothing_waits(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(), tmp_path) as (stage, _env):
        assert (
            "no deployment in sandbox waits for an answer (sandbox-000001 has ended: succeeded)"
            in refused(stage).message
        )
        assert "there is no service 'wep'" in refused(stage, "wep").message


def test_several_services_wait(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(web=Hook(), worker=Hook()), tmp_path) as (stage, _env):
        deployed(stage, "web", "worker")
        several = refused(stage)
        assert "several services wait: web waits at PRE_SCALE_UP" in several.message
        assert several.hint == "Name one: --service web"
        with stage.command():
            continued = answered(stage, "worker")
            assert stage.calls() == ["hook worker continue"]
    assert (continued.release, continued.alive) == (None, False)
    assert "was not recorded" in continued.next_step


def test_a_hook_that_was_answered_or_has_expired_is_named(theatre: Theatre, tmp_path: Path) -> None:
    hook = Hook(stages=("POST_SCALE_UP",), minutes=1, action="CONTINUE")
    with set_for(theatre, hooked(web=hook, worker=hook), tmp_path) as (stage, _env):
        deployed(stage, "web", "worker")
        answered(stage, "web")
        assert "the hook of web at POST_SCALE_UP was answered already" in refused(stage, "web").message
        stage.pass_time(90)
        assert "the time of the hook of worker at POST_SCALE_UP is over" in refused(stage, "worker").message


def test_an_answer_that_comes_too_late_is_recorded_as_refused(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with set_for(theatre, hooked(CONTINUE), tmp_path) as (stage, env):
        left_waiting(stage, env)
        other = staged(stage)
        go_on = other.aws.ecs.continue_deployment

        def late(arn: str, hook_id: str, *, rollback: bool = False) -> None:
            answered(stage, "web")
            go_on(arn, hook_id, rollback=rollback)

        monkeypatch.setattr(other.aws.ecs, "continue_deployment", late)
        with pytest.raises(NotReadyError, match="does not wait any more") as caught:
            continue_deployment(other, rollback=True, yes=True)
        states = [(answer.action, answer.state) for answer in env.ledger.answers("sandbox-000002").read()]
    assert exit_code_of(caught.value) is ExitCode.FAILED
    assert states == [("ROLLBACK", "refused"), ("CONTINUE", "given")]


def test_an_answer_that_aws_denies_is_the_errors_own(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise AwsError("not authorized", "The role lacks a permission.", "AccessDeniedException")

    with set_for(theatre, hooked(), tmp_path) as (stage, _env):
        deployed(stage, "web")
        other = staged(stage)
        monkeypatch.setattr(other.aws.ecs, "continue_deployment", denied)
        with pytest.raises(AwsError, match="not authorized"):
            continue_deployment(other, yes=True)


def test_without_a_terminal_or_yes_nothing_is_answered(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(), tmp_path) as (stage, _env):
        deployed(stage, "web")
        with stage.command():
            with pytest.raises(DeclinedError):
                continue_deployment(staged(stage))
            assert stage.calls() == []


@pytest.mark.parametrize("waits", [0.0, 1.0])
def test_a_rollback_by_ecs_may_wait_at_hooks_as_well(theatre: Theatre, tmp_path: Path, waits: float) -> None:
    """AWS documents that it does not; if it did, the deadlines would stand still for it, too."""
    story = hooked(
        Event(do="an operator rolls back web at its hook", after="update web new", wait=60),
        Event(do="an operator continues web at its hook", after="update web new", wait=200),
    )
    settings = story.settings.model_copy(update={"ecs": {"hooks_on_rollback": waits}})
    with set_for(theatre, story.model_copy(update={"settings": settings}), tmp_path) as (stage, env):

        def act(key: str, *, rollback: bool) -> None:
            if rollback or waits:
                answered(stage, key, rollback=rollback)

        stage.answer_hook = act
        with stage.command():
            result = release.release(env, ORDER)
        assert stage.runs("web") == "old"
    assert (result.verdict, result.services["web"].outcome) == (Verdict.ROLLED_BACK, "moved back")
    assert (stage.now() > 0, len(result.answers)) == (True, 2 if waits else 1)


def test_a_deployment_that_waits_is_shown_with_its_stage(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(), tmp_path) as (stage, env):
        deployed(stage, "web")
        name = shop.family("web")
        arn = env.aws.ecs.newest_deployment(shop.CLUSTER, name)
        (deployment,) = env.aws.ecs.service_deployments([arn or ""]).values()
        shown = {service.key: service.waits for service in status(env).services}
    assert (shown["web"][:31], shown["worker"]) == ("waits at PRE_SCALE_UP until 202", "")
    (hook,) = deployment.hooks
    assert (deployment.waits, deployment.stage, hook.asks, hook.timeout_action) == (
        True,
        "PRE_SCALE_UP",
        True,
        "ROLLBACK",
    )


def test_an_environment_that_a_person_holds_is_not_answered_for(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, hooked(CONTINUE), tmp_path) as (stage, env):
        deployed(stage, "web")
        held = env.ledger.locks.hold("ann", ACTOR, "incident 42")
        with pytest.raises(LockedError, match="incident 42") as caught:
            answered(stage)
        assert exit_code_of(caught.value) is ExitCode.LOCKED
        env.ledger.locks.free(held.id)
        assert answered(stage).answers[0].state == "given"
