"""Plays a scenario on the scripted stage, and says where it came out otherwise than expected."""

from __future__ import annotations

import io
import json
import random
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from longshore.clock import Clock
from longshore.commands import release, rollback
from longshore.commands.continue_deployment import continue_deployment
from longshore.config.contract import UNRELEASED
from longshore.config.settings import load
from longshore.config.target import Target, select
from longshore.environment.access import Access
from longshore.environment.environment import Environment
from longshore.errors import LongshoreError
from longshore.result import ImageResult, ReleaseResult, Running, ScheduleResult, ServiceResult
from longshore.run.options import ReleaseOptions
from longshore.signals import Interrupts
from longshore.terminal.console import Console
from longshore.terraform.driver import Driver
from longshore.verdict import Cause, Verdict, exit_code_of
from tests.fakes.samples import ACTOR, WHEN
from tests.scenarios import shop
from tests.scenarios.scenario import Expected, Scenario
from tests.scenarios.stage import KEY, SECRET, Stage, Theatre

NONE = "none"
"""The verdict of a command that refused to begin: it has no record."""


@dataclass(frozen=True)
class StagedEnvironment(Environment):
    """An environment whose AWS is a stage, and whose Terraform is played."""

    stage: Stage = field(kw_only=True)

    @cached_property
    def access(self) -> Access:
        environ = {
            "AWS_ENDPOINT_URL": self.stage.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }
        return Access(shop.REGION, environ, lambda _cluster, _service: self.stage.door_url)

    @property
    def terraform(self) -> Driver:
        return cast(Driver, self.stage.stack)


@dataclass(frozen=True)
class Found:
    """What came out.

    Attributes:
        expected: in the terms of what was expected; its ``says`` and ``warnings`` are empty.
        warnings: of the record, in full.
        told: message and hint of the record, or of the error.
        why: the record's failures, as JSON.
        seconds: that it took, real ones.
        started_one_off: how many tasks of no service were started.
        live: the roles of the tasks that run, by service.
        terraform_pending: whether a plan without a tag would change something.
        console: what a person read.
    """

    expected: Expected
    warnings: tuple[str, ...]
    told: str
    why: str
    seconds: float
    started_one_off: int
    live: Mapping[str, set[str]]
    terraform_pending: bool
    console: str


@dataclass(frozen=True)
class Played:
    """A scenario and what became of it; ``differences`` has a line for each thing that is otherwise than expected."""

    scenario: Scenario
    found: Found
    differences: tuple[str, ...]


def play(theatre: Theatre, scenario: Scenario, folder: Path) -> Played:
    """Plays a scenario.

    Args:
        theatre: where.
        scenario: which.
        folder: an empty one.
    """
    random.seed(scenario.name)
    begun = time.perf_counter()
    with theatre.stage(scenario, folder) as stage:
        env = staged(stage)
        record_releases(env)
        object.__setattr__(env, "console", Console(io.StringIO(), stage.terminal, io.StringIO(), interactive=False))
        with stage.command():
            stage.answer_hook = partial(_answer_hook, stage)
            result, error = _run(env)
            calls = stage.calls()
        found = _found(env, result, error, calls, stage.terminal.getvalue(), time.perf_counter() - begun)
    return Played(scenario, found, tuple(differences(scenario.expect, found)))


def differences(expected: Expected, found: Found) -> list[str]:
    """What is otherwise than expected."""
    said = []
    for name in ("verdict", "cause", "exit_code", "outcomes", "runs", "lock", "calls"):
        wanted, got = getattr(expected, name), getattr(found.expected, name)
        if wanted != got:
            said.append(f"{name}: expected {_shown(wanted)}, found {_shown(got)}")
    for what, wanted, there in (
        ("count", expected.counts, found.expected.counts),
        ("minimum", expected.minimums, found.expected.minimums),
    ):
        said += [
            f"{what} of {key}: expected {count}, found {there.get(key)}"
            for key, count in wanted.items()
            if there.get(key) != count
        ]
    said += [
        f"not said: {text!r} (said was {found.told!r}; {found.why})" for text in expected.says if not _in(text, found)
    ]
    pairs = zip(expected.warnings, found.warnings, strict=False)
    if len(expected.warnings) != len(found.warnings) or any(text not in warning for text, warning in pairs):
        said.append(f"warnings: expected {list(expected.warnings)}, found {list(found.warnings)}")
    return said


def _in(text: str, found: Found) -> bool:
    return text in found.told or text in found.why


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "".join(f"\n    {line}" for line in value) or "nothing"
    return str(value)


def _run(env: StagedEnvironment) -> tuple[ReleaseResult | None, LongshoreError | None]:
    command, *options = shlex.split(env.stage.scenario.command)
    try:
        if command == "rollback":
            return rollback.rollback(env, yes=True), None
        switches: dict[str, Any] = {option.removeprefix("--").replace("-", "_"): True for option in options}
        return release.release(env, ReleaseOptions.of(bump="patch", tag="v1.0.1", yes=True, **switches)), None
    except LongshoreError as error:
        return None, error


def _answer_hook(stage: Stage, key: str, *, rollback: bool) -> None:
    """An operator at another machine answers the hook of a service."""
    continue_deployment(staged(stage), service=key, rollback=rollback, yes=True)


def staged(stage: Stage) -> StagedEnvironment:
    """The environment of a command that is played on a stage."""
    interrupts = Interrupts()
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False)
    clock = Clock(now=stage.now, sleep=stage.pass_time, check=interrupts.check)
    return StagedEnvironment(_target(stage), console, clock, interrupts, stage=stage)


def _target(stage: Stage) -> Target:
    root = stage.folder
    (root / "app").mkdir(exist_ok=True)
    (root / "sandbox.tfvars").write_text(f'greeting = "{stage.stack.greeting}"\n')
    environment = {
        "account": shop.ACCOUNT,
        "endpoint": stage.endpoint,
        "base_url": stage.door_url,
        "deadlines": stage.scenario.settings.deadlines,
    }
    application = {
        "region": shop.REGION,
        "terraform": {"dir": "app", "var_files": ["{environment}.tfvars"], "foundation": None},
        "environments": {shop.ENVIRONMENT: environment},
    }
    settings = load({"applications": {shop.APPLICATION: application}})
    return select(settings, root, shop.APPLICATION, shop.ENVIRONMENT)


def record_releases(env: StagedEnvironment) -> None:
    """Writes the record of the releases before, as the tool would have."""
    stage, shape = env.stage, env.stage.scenario.shape
    if shape.lost:
        return
    previous = UNRELEASED
    for sequence, tag in enumerate(shape.released, start=1):
        before = max(1, sequence - 1)

        def arn(key: str, number: int) -> str:
            return f"{stage.stack.revisions[key].arn.rpartition(':')[0]}:{number}"

        image = ImageResult(repository=stage.stack.repository, tag=tag, digest=stage.digest(tag))
        services = {
            key: ServiceResult(
                name=shop.family(key),
                wave=service.wave,
                before=Running(task_definition=arn(key, before), count=service.count),
                after=Running(task_definition=arn(key, sequence), count=service.count),
                outcome="completed",
            )
            for key, service in shape.services.items()
        }
        schedules = (
            {
                shop.NIGHTLY: ScheduleResult(
                    rule=shop.family(shop.NIGHTLY),
                    target_id="task",
                    before=arn(shop.NIGHTLY, before),
                    after=arn(shop.NIGHTLY, sequence),
                    outcome="moved",
                )
            }
            if shape.schedule
            else {}
        )
        env.ledger.begin(_entry(sequence, tag, previous, images={"app": image}, services=services, schedules=schedules))
        previous = tag
    for sequence, tag in enumerate(shape.failed, start=len(shape.released) + 1):
        env.ledger.begin(_entry(sequence, tag, previous, verdict=Verdict.ROLLED_BACK, cause=Cause.ROLLOUT))


def _entry(sequence: int, tag: str, previous: str, **known: Any) -> ReleaseResult:
    values = {
        "release": f"{shop.ENVIRONMENT}-{sequence:06d}",
        "sequence": sequence,
        "kind": "release",
        "application": shop.APPLICATION,
        "environment": shop.ENVIRONMENT,
        "version": tag,
        "previous_version": previous,
        "variables_digest": "sha256:0",
        "actor": ACTOR,
        "started": WHEN,
        "ended": WHEN,
        "verdict": Verdict.SUCCEEDED,
    }
    return ReleaseResult.model_validate(values | known)


def _found(
    env: StagedEnvironment,
    result: ReleaseResult | None,
    error: LongshoreError | None,
    calls: list[str],
    console: str,
    seconds: float,
) -> Found:
    stage, shape = env.stage, env.stage.scenario.shape
    moved = [key for key in shape.grown.services if key in shape.services or stage.service(key)]
    moved += [shop.NIGHTLY] if shape.schedule else []
    outcomes: dict[str, str] = {}
    if result:
        outcomes |= {key: service.outcome for key, service in result.services.items()}
        outcomes |= {key: schedule.outcome for key, schedule in result.schedules.items()}
    expected = Expected(
        verdict=result.verdict.value if result else NONE,
        cause=result.cause.value if result and result.cause else None,
        exit_code=int(result.exit_code if result else _exit_code(error)),
        outcomes=outcomes,
        runs={key: stage.runs(key) for key in moved},
        counts={key: service.desired for key in shape.grown.services if (service := stage.service(key))},
        minimums={
            key: minimum
            for key, service in shape.grown.services.items()
            if service.minimum and (minimum := stage.minimum(key)) is not None
        },
        lock=_locked(env),
        calls=tuple(calls),
    )
    return Found(
        expected=expected,
        warnings=tuple(result.warnings) if result else (),
        told=f"{result.message} {result.hint}" if result else f"{error and error.message} {error and error.hint}",
        why=json.dumps([failure.model_dump(mode="json") for failure in result.failures]) if result else "",
        seconds=seconds,
        started_one_off=stage.one_off_tasks(),
        live={key: stage.live_roles(key) for key in shape.services},
        terraform_pending=stage.stack.pending(),
        console=console,
    )


def _exit_code(error: LongshoreError | None) -> int:
    return int(exit_code_of(error)) if error else 0


def _locked(env: StagedEnvironment) -> bool:
    return env.ledger.locks.read() is not None
