"""What is changed without a release: an apply, other counts, a restart; on the scripted stage."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from longshore.commands import apply, drift, promote, release, restart, resume, rollback, scale
from longshore.errors import LeaveAtOnce, StalePlanError, UsageError
from longshore.result import ReleaseResult
from longshore.run import checks, snapshot
from longshore.run.options import ReleaseOptions
from longshore.terraform.driver import OnEvent, SavedPlan
from longshore.verdict import Cause, ExitCode, Verdict
from tests.scenarios import shop
from tests.scenarios.play import StagedEnvironment, record_releases, staged
from tests.scenarios.scenario import Event, Scenario, Shape
from tests.scenarios.stage import Stage, Theatre, target_of

pytestmark = pytest.mark.scenario

APPLY = ReleaseOptions.of(yes=True)
TWO = ("v1.0.0", "v1.0.1")


def story(**given: Any) -> Scenario:
    """A scenario without a file."""
    expect = {"verdict": "none", "exit_code": 0}
    return Scenario.model_validate({"name": "changes", "title": "t", "promises": (), "expect": expect} | given)


@contextmanager
def set_for(theatre: Theatre, folder: Path, **given: Any) -> Iterator[tuple[Stage, StagedEnvironment]]:
    """A stage with the records of the releases before."""
    with theatre.stage(story(**given), folder) as stage:
        env = staged(stage)
        record_releases(env)
        yield stage, env


def undisturbed(stage: Stage, **tasks: str) -> None:
    """From now on nothing goes wrong any more."""
    stage.scenario = stage.scenario.model_copy(update={"events": (), "faults": (), "tasks": tasks})


@dataclass
class Replacing(shop.Stack):
    """Terraform whose first apply makes the service web anew: with no task."""

    stage: Any = None

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
        """Registers what the plan would change, and replaces the service."""
        outputs, stage, self.stage = super().apply(plan, on_event), self.stage, None
        if stage:
            stage.do("web is deleted")
            stage.pass_time(20)
            arn = self.revisions["web"].arn
            self.ecs.create_service(
                cluster=shop.CLUSTER, serviceName=shop.family("web"), taskDefinition=arn, desiredCount=0
            )
        return outputs


def runs(stage: Stage) -> dict[str, str]:
    return {key: stage.runs(key) for key in ("web", "worker")}


def newest(env: StagedEnvironment) -> ReleaseResult:
    return next(env.ledger.releases())


# apply


def test_an_apply_rolls_what_changes_out_with_the_released_tag(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape={"released": TWO}) as (stage, env):
        stage.stack.greeting = "good day"
        with stage.command():
            result = apply.apply(env, APPLY)
            calls = stage.calls()
        assert result.verdict is Verdict.SUCCEEDED, result.message
        assert (result.kind, result.version) == ("apply", "v1.0.1")
        assert calls == [
            "ledger",
            "register migrate new",
            "register web new",
            "register worker new",
            "ledger",
            "update worker new",
            "ledger",
            "update web new",
            "ledger",
        ]
        assert {key: one.outcome for key, one in result.services.items()} == {"web": "completed", "worker": "completed"}
        assert "storefront-sandbox-web · web · environment GREETING: hello → good day" in result.changes
        assert runs(stage) == {"web": "new", "worker": "new"}
        assert result.migration is None
        assert result.commit is None
        assert result.images["app"].tag == "v1.0.1"
        assert newest(env).kind == "apply"
        assert not stage.stack.pending()

        with stage.command():  # the version before, not the revisions before
            back = rollback.rollback(env, yes=True)
        assert (back.verdict, back.version) == (Verdict.SUCCEEDED, "v1.0.0")
        with stage.command():  # and forth to what the apply had made of the version
            forth = rollback.rollback(env, yes=True, to="v1.0.1")
        assert forth.verdict is Verdict.SUCCEEDED
        assert runs(stage) == {"web": "new", "worker": "new"}


def test_an_apply_moves_the_schedules_whose_task_definition_changes(theatre: Theatre, tmp_path: Path) -> None:
    shape = Shape(schedule=True, migration=0)
    with set_for(theatre, tmp_path, shape=shape, tasks={"web new": "exits 3 at start"}) as (stage, env):
        stage.stack.greeting = "good day"
        with stage.command():
            assert apply.apply(env, APPLY).verdict is Verdict.ROLLED_BACK
        assert stage.runs("nightly") == "old"
        undisturbed(stage)
        with stage.command():
            result = apply.apply(env, APPLY)
            assert stage.calls()[-4:] == ["update web new", "ledger", "target nightly new", "ledger"]
        assert (result.verdict, result.schedules["nightly"].outcome) == (Verdict.SUCCEEDED, "moved")
        with stage.command():
            assert apply.apply(env, APPLY).schedules["nightly"].outcome == "not moved"


def test_an_apply_moves_a_schedule_that_is_registered_only_when_it_was_approved(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, shape={"schedule": True, "migration": 0}) as (stage, env):
        written = shop.content(stage.stack.shape, shop.NIGHTLY, stage.stack.repository, "v1.0.0", "good day")
        made = stage.client("ecs").register_task_definition(**written)["taskDefinition"]["taskDefinitionArn"]
        stage.stack.revisions[shop.NIGHTLY] = shop.Revision(
            made, shop.content(stage.stack.shape, shop.NIGHTLY, stage.stack.repository, "v1.0.0", "hello")
        )
        stage.stack.written["release"]["schedules"][shop.NIGHTLY]["task_definition"] = made
        line = "storefront-sandbox-nightly · nightly · environment GREETING: hello → good day (registered)"
        with stage.command():
            asked = apply.apply(env, ReleaseOptions.of())
            assert stage.calls() == ["ledger"]
        assert (asked.cause, asked.changes) == (Cause.DECLINED, [line])
        with stage.command():
            assert apply.apply(env, APPLY).verdict is Verdict.SUCCEEDED
            assert stage.calls() == ["ledger", "target nightly new", "ledger"]


def test_an_apply_moves_no_service_that_stays_the_same(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path) as (stage, env):
        services = stage.stack.shape.services
        checked = services["web"].model_copy(update={"health_check": True})
        stage.stack.shape = stage.stack.shape.model_copy(update={"services": {**services, "web": checked}})
        with stage.command():
            result = apply.apply(env, APPLY)
            updates = [call for call in stage.calls() if call.startswith("update")]
        assert (result.verdict, updates) == (Verdict.SUCCEEDED, ["update web new"])
        assert result.services["worker"].outcome == "not moved"
        assert result.services["worker"].after == result.services["worker"].before
        undisturbed(stage)
        with stage.command():
            assert release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True)).verdict is Verdict.SUCCEEDED
        with stage.command():
            assert rollback.rollback(env, yes=True).verdict is Verdict.SUCCEEDED
        assert stage.service("web").primary.task_definition == result.services["web"].after.task_definition  # type: ignore[union-attr]
        assert stage.runs("worker") == "old"


def test_an_apply_with_nothing_to_do_does_nothing_and_asks_nothing(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path) as (stage, env), stage.command():
        result = apply.apply(env, ReleaseOptions.of())
        assert stage.calls() == ["ledger"]
    assert (result.verdict, result.changes) == (Verdict.SUCCEEDED, [])


def test_an_apply_that_fails_takes_back_what_moved_and_says_nothing_of_the_version(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, tasks={"web new": "exits 3 at start"}) as (stage, env):
        stage.stack.greeting = "good day"
        with stage.command():
            result = apply.apply(env, APPLY)
        assert (result.verdict, result.exit_code) == (Verdict.ROLLED_BACK, ExitCode.ROLLED_BACK)
        assert runs(stage) == {"web": "old", "worker": "old"}
        assert any("configuration registered, not running" in warning for warning in result.warnings)
        assert not stage.stack.pending()
        undisturbed(stage)
        with stage.command():  # nobody needs --allow-failed-version
            start = checks.release(env, ReleaseOptions.of(tag="v1.0.0", yes=True))
            assert start.source is None
        with pytest.raises(UsageError, match="are both"):
            promote.promote(env, env, ReleaseOptions.of(task="promote"))
        with stage.command():  # what is registered already is rolled out, once it works
            again = apply.apply(env, APPLY)
        assert again.verdict is Verdict.SUCCEEDED
        assert any("(registered)" in line for line in again.changes)
        assert runs(stage) == {"web": "new", "worker": "new"}


def test_an_apply_is_gated_as_a_release(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape={"unapplied": True}) as (stage, env):
        with stage.command():
            refused = apply.apply(env, APPLY)
        assert (refused.verdict, refused.cause, refused.exit_code) == (Verdict.FAILED, Cause.PLAN, ExitCode.PLAN)
        assert "aws_iam_role_policy.somebody_elses: update" in refused.message
        with stage.command():
            done = apply.apply(env, ReleaseOptions.of(yes=True, allow_infra=True))
            assert not [call for call in stage.calls() if call.startswith(("update", "register"))]
        assert done.verdict is Verdict.SUCCEEDED
        assert not stage.stack.pending()


def test_a_service_that_an_apply_takes_away_is_forgotten_and_begins_anew(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape={"migration": 0, "schedule": True}) as (stage, env):
        whole = stage.stack.shape
        stage.stack.shape = whole.model_copy(update={"services": {"web": whole.services["web"]}, "schedule": False})
        with stage.command():
            result = apply.apply(env, ReleaseOptions.of(yes=True, allow_infra=True))
        assert (result.verdict, list(result.services), result.schedules) == (Verdict.SUCCEEDED, ["web"], {})
        stage.stack.shape = whole
        stage.do("an operator scales worker to 0")  # as Terraform makes it
        stage.settle()
        with stage.command():
            assert (
                release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True, allow_infra=True)).verdict
                is Verdict.SUCCEEDED
            )
        assert stage.service("worker").desired == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("tasks", [{}, {"worker new": "exits 3 at start"}, {"web new": "exits 3 at start"}])
@pytest.mark.parametrize("verb", ["apply", "release"])
def test_a_service_that_was_replaced_gets_its_count_again(
    verb: str, tasks: dict[str, str], theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, shape={"migration": 0}, tasks=tasks) as (stage, env):
        stage.do("an operator scales web to 3")
        stage.settle()
        stage.stack = Replacing(**vars(stage.stack), stage=stage)
        stage.stack.greeting = "good day" if verb == "apply" else "hello"
        named = ReleaseOptions.of(
            yes=True, allow_infra=True, allow_destroy=["a service"], tag="v1.0.1" if verb != "apply" else None
        )
        with stage.command():
            result = apply.apply(env, named) if verb == "apply" else release.release(env, named)
        assert result.verdict is (Verdict.ROLLED_BACK if tasks else Verdict.SUCCEEDED), result.hint
        assert stage.service("web").desired == 3  # type: ignore[union-attr]
        assert stage.live_roles("web") == {"old" if tasks else "new"}


@pytest.mark.parametrize("same", [True, False])
def test_a_plan_that_went_stale_is_applied_if_it_would_change_the_same_to_the_letter(
    same: bool,  # noqa: FBT001
    theatre: Theatre,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with set_for(theatre, tmp_path, shape={"unapplied": True}) as (stage, env):
        real, stale = stage.stack.apply, [StalePlanError("Saved plan is stale")]

        def apply_it(plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
            if stale:
                if not same:  # of which the lines say as much as before
                    change = shop._POLICY["change"] | {"after": {"policy": "{ everything }"}}  # type: ignore[operator]
                    monkeypatch.setattr(shop, "_POLICY", shop._POLICY | {"change": change})
                raise stale.pop()
            return real(plan, on_event)

        monkeypatch.setattr(stage.stack, "apply", apply_it)
        with stage.command():
            result = apply.apply(env, ReleaseOptions.of(yes=True, allow_infra=True))
        wanted = (Verdict.SUCCEEDED, None) if same else (Verdict.FAILED, Cause.PLAN)
        assert (result.verdict, result.cause, stage.stack.applied) == (*wanted, same)


@pytest.mark.parametrize("verb", ["apply", "restart"])
def test_where_ledger_parameter_and_what_runs_disagree_nothing_is_changed(
    verb: str, theatre: Theatre, tmp_path: Path
) -> None:
    def run(env: StagedEnvironment) -> ReleaseResult:
        return apply.apply(env, APPLY) if verb == "apply" else restart.restart(env, [], yes=True)

    with set_for(theatre, tmp_path, before=("another process deploys web",)) as (stage, env):
        with stage.command():
            result = run(env)
            assert stage.calls() == ["ledger"]
        assert (result.verdict, result.exit_code) == (Verdict.FAILED, ExitCode.FAILED)
        assert "storefront-sandbox-web runs storefront-sandbox-web:2, not storefront-sandbox-web:1" in result.message
        assert "invoke drift" in result.hint
    with set_for(theatre, tmp_path) as (stage, env):
        env.aws.parameters.put(env.target.tag_parameter, "v9.9.9")
        with stage.command():
            result = run(env)
        assert "/storefront/sandbox/image_tag holds v9.9.9, not v1.0.0" in result.message


@pytest.mark.parametrize("verb", ["apply", "scale", "restart"])
def test_before_the_first_release_and_under_anothers_lock_nothing_is_changed(
    verb: str, theatre: Theatre, tmp_path: Path
) -> None:
    def run(env: StagedEnvironment) -> ReleaseResult:
        if verb == "scale":
            return scale.scale(env, {"web": 3}, force=False, yes=True)
        return apply.apply(env, APPLY) if verb == "apply" else restart.restart(env, [], yes=True)

    with set_for(theatre, tmp_path, shape={"released": ()}) as (stage, env), stage.command():
        result = run(env)
        assert stage.calls() == ["ledger"]
        assert "nothing was released to sandbox yet" in result.message
    locked = ("another process locks the environment",)
    with set_for(theatre, tmp_path, before=locked) as (stage, env), pytest.raises(Exception, match="locked by"):
        run(env)


# scale


def test_a_count_is_sent_waited_for_and_written_down(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape={"released": TWO}, tasks={"web old": "runs after 3 s"}) as (stage, env):
        with stage.command():
            result = scale.scale(env, {"web": 4, "worker": 0}, force=False, yes=True)
            assert stage.calls() == ["ledger", "update web count 4", "ledger", "update worker count 0", "ledger"]
        web, worker = stage.service("web"), stage.service("worker")
        assert web and worker
        assert (len(stage.orchestrator.fleet.live_of(web)), len(stage.orchestrator.fleet.live_of(worker))) == (4, 0)
        assert (result.verdict, result.kind, result.version) == (Verdict.SUCCEEDED, "scale", "v1.0.1")
        assert result.changes == ["storefront-sandbox-web: 2 → 4 tasks", "storefront-sandbox-worker: 1 → 0 tasks"]
        assert newest(env).options == {"counts": ["web=4", "worker=0"], "force": False}
        last = env.ledger.last_good()
        assert last
        assert (last.kind, last.version) == ("release", "v1.0.1")
        with stage.command():
            back = rollback.rollback(env, yes=True)
        assert (back.verdict, back.version) == (Verdict.SUCCEEDED, "v1.0.0")
        assert stage.service("web").desired == 4  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("behaviour", "events", "verdict", "said"),
    [
        ("runs; runs; exits 3 at start", (), Verdict.FAILED, "new tasks stopped: Essential container in task exited"),
        ("runs; runs; never starts", (), Verdict.FAILED, "web"),
        (
            "runs; runs; runs after 30 s",
            (Event(after="update web count 4", wait=8, do="an operator scales web to 3"),),
            Verdict.SUPERSEDED,
            "another process set the count to 3",
        ),
        (
            "runs; runs; runs after 30 s",
            (Event(after="update web count 4", wait=8, do="another process deploys web"),),
            Verdict.SUPERSEDED,
            "took over",
        ),
        ("runs; runs; runs after 30 s", (Event(after="update web count 4", wait=3, do="SIGINT"),), "interrupted", ""),
    ],
)
def test_a_count_that_is_not_reached_is_said_and_stays(
    behaviour: str, events: tuple[Event, ...], verdict: str, said: str, theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, tasks={"web old": behaviour}, events=events) as (stage, env), stage.command():
        result = scale.scale(env, {"web": 4}, force=False, yes=True)
        assert not [call for call in stage.calls() if call.startswith("update") and "count 4" not in call
                    and not events]  # fmt: skip
        assert env.ledger.locks.read() is None
    assert result.verdict == verdict
    assert said in result.message


def test_what_autoscaling_scales_is_scaled_by_force_only(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path) as (stage, env):
        stage.stack.written["release"]["services"]["web"]["autoscaled"] = True
        with stage.command():
            refused = scale.scale(env, {"web": 3}, force=False, yes=True)
            assert stage.calls() == ["ledger"]
        assert "autoscaling manages the count of storefront-sandbox-web" in refused.message
        assert "--force" in refused.hint
        with stage.command():
            assert scale.scale(env, {"web": 3}, force=True, yes=True).verdict is Verdict.SUCCEEDED
        with stage.command():
            unknown = scale.scale(env, {"wbe": 3}, force=False, yes=True)
        assert (unknown.message, unknown.hint) == ("there is no service wbe", "The services are: web, worker.")


# restart


def test_a_restart_starts_every_task_anew_wave_by_wave(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path) as (stage, env):
        web = stage.service("web")
        assert web
        before = {task.id for task in stage.orchestrator.fleet.live_of(web)}
        with stage.command():
            result = restart.restart(env, [], yes=True)
            assert stage.calls() == ["ledger", "update worker old forced", "ledger", "update web old forced", "ledger"]
        after = {task.id for task in stage.orchestrator.fleet.live_of(web) if not task.leaving}
        assert not before & after
        assert (result.verdict, result.kind, result.version) == (Verdict.SUCCEEDED, "restart", "v1.0.0")
        assert env.ledger.last_good().kind == "release"  # type: ignore[union-attr]
        with stage.command():
            one = restart.restart(env, ["worker"], yes=True)
            assert stage.calls() == ["ledger", "update worker old forced", "ledger"]
        assert one.verdict is Verdict.SUCCEEDED


def test_a_restart_that_fails_moves_nothing_and_restarts_no_later_wave(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, tasks={"worker old": "runs; exits 3 at start"}) as (stage, env):
        with stage.command():
            result = restart.restart(env, [], yes=True)
            updates = [call for call in stage.calls() if call.startswith("update")]
        assert updates == ["update worker old forced"]
        assert (result.verdict, result.exit_code) == (Verdict.FAILED, ExitCode.FAILED)
        assert "No revision has changed" in result.hint
        assert result.failures[0].exit_codes == {"worker": 3}
        assert env.ledger.locks.read() is None
        undisturbed(stage)
        stage.settle()
        with stage.command():
            assert restart.restart(env, [], yes=True).verdict is Verdict.SUCCEEDED


# drift


def found(env: StagedEnvironment) -> dict[str, list[str]]:
    seen = drift.drift(env)
    document = seen.document()
    assert document["drift"] == bool(seen)
    return {name: list(document[name]) for name in ("terraform", "running", "content")}


NOTHING: dict[str, list[str]] = {"terraform": [], "running": [], "content": []}


def test_what_is_as_it_was_released_has_no_drift(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape={"schedule": True}) as (stage, env), stage.command():
        assert found(env) == NOTHING
        assert not drift.drift(env)
        assert stage.calls() == []
    with set_for(theatre, tmp_path, shape={"released": ()}) as (_, env):
        assert found(env) == NOTHING


def test_what_terraform_would_change_and_what_it_has_registered_is_drift(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape={"unapplied": True, "migration": 0}) as (stage, env):
        stage.stack.greeting = "good day"
        web, worker = (f"storefront-sandbox-{key} · {key} · environment GREETING: hello → good day"
                       for key in ("web", "worker"))  # fmt: skip
        policy = "aws_iam_role_policy.somebody_elses: update"
        assert found(env) == NOTHING | {"terraform": [web, worker, policy]}
        with stage.stack.plan() as saved:
            stage.stack.apply(saved)  # by hand
        assert found(env) == NOTHING | {
            "content": [f"{web} (storefront-sandbox-web:2)", f"{worker} (storefront-sandbox-worker:2)"]
        }


def test_what_nobody_released_here_is_drift(theatre: Theatre, tmp_path: Path) -> None:
    before = ("another process deploys web",)
    with set_for(theatre, tmp_path, before=before, tasks={"worker old": "runs another image"}) as (stage, env):
        env.aws.parameters.put(env.target.tag_parameter, "v9.9.9")
        running = found(env)["running"]
        assert "/storefront/sandbox/image_tag holds v9.9.9, but sandbox-000001 released v1.0.0" in running[0]
        assert running[1] == "storefront-sandbox-web runs storefront-sandbox-web:2, not storefront-sandbox-web:1"
        (image,) = [line for line in running if "worker runs sha256:" in line]
        assert f"not {stage.digest('v1.0.0')}" in image


def test_a_deregistered_revision_that_runs_is_drift_until_a_rollback_registers_it_again(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, before=("web old is deregistered",)) as (stage, env):
        family = "storefront-sandbox-web"
        (line,) = found(env)["running"]
        assert line == (
            f"{family} runs {family}:1, which was deregistered (register it again: invoke rollback --to v1.0.0)"
        )
        with stage.command():
            assert rollback.rollback(env, yes=True, to="v1.0.0").verdict is Verdict.SUCCEEDED
        stage.settle()
        assert found(env)["running"] == []
        (service,) = env.aws.ecs.services(shop.CLUSTER, [family]).values()
        assert service.task_definition.endswith(f"{family}:2")


@pytest.mark.parametrize("shape", [{"released": ()}, {"added": {"web2": {"wave": 1}}}])
def test_what_runs_and_was_never_released_is_drift(shape: dict[str, Any], theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape=shape) as (stage, env):
        key = "web2" if "added" in shape else "web"
        if "added" in shape:
            with stage.stack.plan() as saved:
                stage.stack.apply(saved)
        assert found(env) == NOTHING
        stage.do(f"an operator scales {key} to 2")
        family = f"storefront-sandbox-{key}"
        assert f"{family} runs {family}:1, which no release recorded (desired count 2)" in found(env)["running"]


# scheduled tasks


def test_a_schedule_whose_rule_starts_something_else_than_is_registered_is_drift(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, shape={"schedule": True, "migration": 0}) as (stage, env):
        stage.stack.greeting = "good day"
        with stage.stack.plan() as saved:
            stage.stack.apply(saved)  # by hand
        assert (
            "storefront-sandbox-nightly · nightly · environment GREETING: hello → good day"
            " (storefront-sandbox-nightly:2)" in found(env)["content"]
        )


def never_released(stage: Stage, env: StagedEnvironment) -> None:
    """As if a change had brought the scheduled task after the last release, and nobody had released it yet."""
    last = env.ledger.last_good()
    assert last
    last.schedules = {}
    env.ledger.write(last)
    stage.client("events").disable_rule(Name="storefront-sandbox-nightly")


def test_a_schedule_that_a_change_brings_is_switched_on_by_the_next_run(theatre: Theatre, tmp_path: Path) -> None:
    shape = {"schedule": True, "migration": 0, "services": {"web": {"wave": 1}}}
    with set_for(theatre, tmp_path, shape=shape) as (stage, env):
        never_released(stage, env)
        with stage.command():
            result = apply.apply(env, APPLY)
            assert stage.calls() == ["ledger", "target nightly old", "ledger", "switch nightly on", "ledger"]
        assert result.verdict is Verdict.SUCCEEDED
        with stage.command():
            assert apply.apply(env, APPLY).verdict is Verdict.SUCCEEDED
            assert stage.calls() == ["ledger"]


def test_what_a_roll_back_has_met_and_no_release_has_rolled_out_is_new_to_the_next_release(
    theatre: Theatre, tmp_path: Path
) -> None:
    added = {"web2": {"wave": 1}}
    shape = {"schedule": True, "migration": 0, "released": TWO, "services": {"web": {"wave": 1}}, "added": added}
    with set_for(theatre, tmp_path, shape=shape) as (stage, env):
        with stage.stack.plan() as saved:
            stage.stack.apply(saved)  # by invoke bootstrap
        for entry in env.ledger.releases():
            entry.schedules = {}
            env.ledger.write(entry)
        stage.client("events").disable_rule(Name="storefront-sandbox-nightly")
        with stage.command():
            back = rollback.rollback(env, yes=True)
        assert (back.verdict, back.version) == (Verdict.SUCCEEDED, "v1.0.0")
        assert (list(back.services), back.schedules) == (["web"], {})
        assert "storefront-sandbox-nightly was not part of v1.0.0: it stays as it is" in back.warnings
        with stage.command():
            result = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True))
        assert result.verdict is Verdict.SUCCEEDED, result.message
        assert stage.service("web2").desired == 1  # type: ignore[union-attr]
        assert stage.client("events").describe_rule(Name="storefront-sandbox-nightly")["State"] == "ENABLED"


def test_a_rule_that_may_not_be_switched_on_needs_not_be_switched_off(theatre: Theatre, tmp_path: Path) -> None:
    denied = [{"operation": f"events:{name}", "kind": "denied"} for name in ("EnableRule", "DisableRule")]
    shape = {"schedule": True, "migration": 0, "services": {"web": {"wave": 1}}}
    with set_for(theatre, tmp_path, shape=shape, faults=denied) as (stage, env):
        never_released(stage, env)
        with stage.command():
            result = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True))
        assert result.verdict is Verdict.ROLLED_BACK, result.hint
        assert "events:EnableRule" in result.message
        assert result.schedules["nightly"].outcome == "moved back"


def test_a_rule_that_a_person_has_switched_off_stays_off(theatre: Theatre, tmp_path: Path) -> None:
    shape = {"schedule": True, "migration": 0, "services": {"web": {"wave": 1}}}
    with set_for(theatre, tmp_path, shape=shape) as (stage, env):
        stage.client("events").disable_rule(Name="storefront-sandbox-nightly")
        with stage.command():
            assert release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True)).verdict is Verdict.SUCCEEDED
            assert [call for call in stage.calls() if "nightly" in call] == [
                "register nightly new",
                "target nightly new",
            ]
        assert stage.client("events").describe_rule(Name="storefront-sandbox-nightly")["State"] == "DISABLED"


# autoscaling

SCALED = {"services": {"web": {"wave": 1, "count": 2, "minimum": 2}}, "migration": 0}


def test_another_minimum_than_the_variable_files_is_drift_and_an_apply_sets_it(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, shape=SCALED) as (stage, env):
        assert found(env) == NOTHING
        stage.do("an operator sets the minimum of web to 4")
        assert found(env)["running"] == ["storefront-sandbox-web: autoscaling keeps at least 4 tasks, not 2"]
        with stage.command():
            asked = apply.apply(env, ReleaseOptions.of())
            assert stage.calls() == ["ledger"]
        assert asked.cause is Cause.DECLINED
        assert asked.changes == ["storefront-sandbox-web: autoscaling's minimum 4 → 2 tasks"]
        with stage.command():
            result = apply.apply(env, APPLY)
            assert stage.calls() == ["ledger", "minimum web 2", "ledger"]
        assert (result.verdict, result.exit_code) == (Verdict.SUCCEEDED, ExitCode.SUCCEEDED)
        assert found(env) == NOTHING


def test_a_minimum_that_has_changed_in_the_variable_file_takes_effect_by_an_apply(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, tmp_path, shape=SCALED) as (stage, env):
        web = stage.stack.shape.services["web"].model_copy(update={"minimum": 3})
        stage.stack.shape = stage.stack.shape.model_copy(update={"services": {"web": web}})
        assert found(env) == NOTHING | {"terraform": ["outputs change: release"]}
        with stage.command():
            asked = apply.apply(env, ReleaseOptions.of())
        assert asked.cause is Cause.DECLINED
        assert asked.changes == ["storefront-sandbox-web: autoscaling's minimum 2 → 3 tasks"]
        with stage.command():
            assert apply.apply(env, APPLY).verdict is Verdict.SUCCEEDED
            assert stage.calls() == ["ledger", "minimum web 3", "ledger"]
        assert found(env) == NOTHING


def test_a_minimum_that_could_not_be_set_is_set_by_resuming(theatre: Theatre, tmp_path: Path) -> None:
    denied = {"operation": "application-autoscaling:RegisterScalableTarget", "kind": "denied"}
    with set_for(theatre, tmp_path, shape=SCALED | {"released": ()}, faults=[denied]) as (stage, env):
        with stage.command():
            result = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True))
        assert (result.exit_code, stage.minimum("web")) == (ExitCode.RECORD_INCOMPLETE, 0)
        undisturbed(stage)
        with stage.command():
            again = resume.resume(env, yes=True)
            assert [call for call in stage.calls() if call != "ledger"] == ["minimum web 2", "tag v1.0.1"]
        assert (again.verdict, again.cause, stage.minimum("web")) == (Verdict.SUCCEEDED, None, 2)


def test_a_first_release_that_is_taken_back_after_its_minimum_lifts_it_again(theatre: Theatre, tmp_path: Path) -> None:
    unwritten = {"operation": "ssm:PutParameter", "kind": "denied"}
    shape = SCALED | {"released": ()}
    with set_for(theatre, tmp_path, shape=shape, faults=[unwritten]) as (stage, env):
        with stage.command():
            left = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True))
        assert (left.exit_code, stage.minimum("web")) == (ExitCode.RECORD_INCOMPLETE, 2)
        undisturbed(stage)
        with stage.command():
            back = resume.resume(staged(stage), yes=True, abort=True)
            calls = [call for call in stage.calls() if call.startswith(("minimum", "update"))]
        assert back.verdict is Verdict.ROLLED_BACK
        assert calls == ["minimum web 0", "update web old count 0"]


def test_what_is_parked_stays_parked(theatre: Theatre, tmp_path: Path) -> None:
    before = ("an operator sets the minimum of web to 0", "an operator scales web to 0")
    with set_for(theatre, tmp_path, shape=SCALED, before=before) as (stage, env):
        with stage.command():
            result = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True, allow_zero=True))
        assert result.verdict is Verdict.SUCCEEDED
        assert stage.minimum("web") == 0
        service = stage.service("web")
        assert service
        assert service.desired == 0


def test_a_service_that_autoscaling_does_not_know_is_named(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape=SCALED) as (stage, env):
        stage.client("application-autoscaling").deregister_scalable_target(**target_of("web"))
        assert found(env)["running"] == ["storefront-sandbox-web has no autoscaling target"]
        with stage.command():
            result = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True))
        assert result.exit_code is ExitCode.RECORD_INCOMPLETE
        remedy = "there is no autoscaling target (create it: invoke apply --allow-infra)"
        assert remedy in result.warnings[-1]


def test_a_hotfix_past_an_autoscaling_that_is_not_applied_yet_lacks_nothing(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, tmp_path, shape=SCALED | {"unapplied": True}) as (stage, env):
        stage.client("application-autoscaling").deregister_scalable_target(**target_of("web"))
        with stage.command():
            result = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True, only_release=True))
        assert (result.exit_code, result.warnings) == (ExitCode.SUCCEEDED, [])


# a process that dies


@pytest.mark.parametrize("strayed", [False, True])
def test_what_stands_is_not_taken_back_for_its_record(theatre: Theatre, tmp_path: Path, *, strayed: bool) -> None:
    unwritten = {"operation": "ssm:PutParameter", "kind": "denied"}
    with set_for(theatre, tmp_path, shape={"migration": 0}, faults=[unwritten]) as (stage, env):
        with stage.command():
            left = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True))
        assert left.exit_code is ExitCode.RECORD_INCOMPLETE
        undisturbed(stage)
        stage.stack.shape = stage.stack.shape.model_copy(update={"unapplied": True})  # what a plan would be refused for
        release_ = stage.stack.written["release"]
        release_["services"]["web2"] = {**release_["services"]["web"], "autoscaled": True, "min_capacity": 2}
        if strayed:
            stage.do("another process deploys web")
            stage.settle()
        with stage.command():
            result = resume.resume(staged(stage), yes=True)
            calls = [call for call in stage.calls() if call != "ledger"]
        assert (result.verdict, env.ledger.locks.read()) == (Verdict.SUCCEEDED, None)
        if strayed:
            assert (calls, result.exit_code) == ([], ExitCode.RECORD_INCOMPLETE)
            assert "the record was not completed: storefront-sandbox-web runs" in result.warnings[-1]
        else:
            assert (calls, result.exit_code) == (["tag v1.0.1"], ExitCode.SUCCEEDED)
            assert runs(stage) == {"web": "new", "worker": "new"}
        assert newest(env).document() == result.document()


def test_an_apply_that_dies_once_a_service_was_replaced_gives_it_its_count_by_resuming(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise LeaveAtOnce(signal.SIGINT)

    with set_for(theatre, tmp_path, shape={"migration": 0}) as (stage, env):
        stage.stack = Replacing(**vars(stage.stack), stage=stage)
        stage.stack.greeting = "good day"
        with stage.command(), monkeypatch.context() as once:
            once.setattr(snapshot, "notice_replaced", dies)
            left = apply.apply(env, ReleaseOptions.of(yes=True, allow_infra=True, allow_destroy=["a service"]))
        assert (left.verdict, stage.service("web").desired) == (Verdict.INTERRUPTED, 0)  # type: ignore[union-attr]
        stage.pass_time(120)
        with stage.command():
            result = resume.resume(staged(stage), yes=True)
        assert result.verdict is Verdict.SUCCEEDED, result.message
        assert stage.service("web").desired == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        pytest.param("apply", "register web new", marks=pytest.mark.long),
        pytest.param("apply", "update worker new", marks=pytest.mark.long),
        ("apply", "update web new"),
        ("scale", "update web count 4"),
        ("restart", "update worker old forced"),
    ],
)
@pytest.mark.parametrize("way", ["on", pytest.param("back", marks=pytest.mark.long)])
def test_what_was_left_at_once_is_gone_on_with_or_taken_back(
    verb: str, call: str, way: str, theatre: Theatre, tmp_path: Path
) -> None:
    twice = (Event(after=call, do="SIGINT"), Event(after=call, do="SIGINT"))
    shape = Shape(migration=0)
    with set_for(theatre, tmp_path, events=twice, shape=shape) as (stage, env):
        if verb == "apply":
            stage.stack.greeting = "good day"
        with stage.command():
            left = {
                "apply": lambda: apply.apply(env, APPLY),
                "scale": lambda: scale.scale(env, {"web": 4}, force=False, yes=True),
                "restart": lambda: restart.restart(env, [], yes=True),
            }[verb]()
        assert left.verdict is Verdict.INTERRUPTED
        assert env.ledger.locks.read()
        stage.pass_time(120)
        undisturbed(stage)
        with stage.command():
            yes = call == "register web new"  # what has moved was approved
            result = resume.resume(staged(stage), yes=yes, abort=way == "back")
        assert env.ledger.locks.read() is None
        assert (result.kind, result.resumed) == (verb, 1)
        if way == "on":
            assert result.verdict is Verdict.SUCCEEDED
            role = "new" if verb == "apply" else "old"
            assert runs(stage) == {"web": role, "worker": role}
            assert stage.service("web").desired == (4 if verb == "scale" else 2)  # type: ignore[union-attr]
        else:
            assert result.verdict in (Verdict.ROLLED_BACK, Verdict.FAILED)
            assert runs(stage) == {"web": "old", "worker": "old"}
