"""A release while it runs: its steps are timed, shown and written down, and whatever ends it becomes a verdict."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from longshore import errors
from longshore.contract import Contract
from longshore.environment import Environment
from longshore.result import Actor, Cause, ReleaseResult, StepResult, Verdict
from longshore.source import Source

_CAUSES: dict[type[errors.LongshoreError], Cause] = {
    errors.DeclinedError: Cause.DECLINED,
    errors.BuildError: Cause.BUILD,
    errors.PlanError: Cause.PLAN,
    errors.ApplyError: Cause.APPLY,
    errors.MigrationError: Cause.MIGRATION,
    errors.SupersededError: Cause.SUPERSEDED,
    errors.VerifyError: Cause.VERIFY,
    errors.RolloutError: Cause.ROLLOUT,
    errors.UnknownOutcomeError: Cause.DEADLINE,
}


def cause_of(error: BaseException) -> Cause:
    """The cause that an error stands for."""
    if isinstance(error, KeyboardInterrupt):
        return Cause.INTERRUPT
    return next((cause for kind, cause in _CAUSES.items() if isinstance(error, kind)), Cause.OTHER)


@dataclass
class Run:
    """One release in progress. ``contract`` is what is registered last; apply puts a new one in its place."""

    env: Environment
    result: ReleaseResult
    contract: Contract

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step, shows it, and writes the entry when it has ended well."""
        console, clock = self.env.console, self.env.clock
        begun = clock.now()
        entry = StepResult(name=name)
        self.result.steps = [*self.result.steps, entry]
        console.step_started(name)
        try:
            yield
        except BaseException:
            entry.seconds = round(clock.now() - begun, 3)
            console.step_ended(name, entry.seconds, ok=False)
            raise
        entry.seconds = round(clock.now() - begun, 3)
        console.step_ended(name, entry.seconds, ok=True)
        self.env.ledger.write(self.result)

    def approve(self, *, yes: bool) -> None:
        """Asks whether the plan shall be applied.

        Raises:
            DeclinedError: no, or nobody to ask.
        """
        question = f"{self.result.kind.capitalize()} {self.result.version} to {self.result.environment}?"
        self.env.console.approve(question, yes=yes)

    def fail(self, verdict: Verdict, error: BaseException) -> None:
        """Takes down the verdict, and the error that led to it."""
        self.result.verdict = verdict
        self.result.cause = cause_of(error)
        self.result.message = getattr(error, "message", str(error)) or type(error).__name__
        self.result.hint = getattr(error, "hint", "")

    def warn(self, text: str) -> None:
        """Something the operator must know that does not change the verdict."""
        self.result.warnings = [*self.result.warnings, text]
        self.env.console.warn(text)


@contextmanager
def running(
    env: Environment, kind: Literal["release", "rollback"], actor: Actor, source: Source | None = None
) -> Iterator[Run]:
    """Locks the environment, opens a ledger entry, and closes both whatever happens.

    An error inside the block becomes the verdict of the run, not an exception: look at ``run.result``.

    Raises:
        LongshoreError: the run could not begin; nothing was done, and there is no entry.
    """
    purpose = f"{kind} of {source.commit[:12] if source else env.target.application}"
    with env.ledger.lock(uuid.uuid4().hex, actor, purpose) as lock_warnings:
        run = Run(env, _entry(env, kind, actor, source), env.contract())
        env.ledger.begin(run.result)
        begun = env.clock.now()
        try:
            yield run
        except (errors.LongshoreError, KeyboardInterrupt) as error:
            if run.result.verdict is Verdict.RUNNING:
                run.fail(_verdict_of(error), error)
        except BaseException as error:
            run.fail(Verdict.UNKNOWN, error)
            raise
        finally:
            run.result.ended = datetime.now(UTC)
            run.result.seconds = round(env.clock.now() - begun, 3)
            _close(run)
    for warning in lock_warnings:
        run.warn(warning)


def _close(run: Run) -> None:
    try:
        run.env.ledger.write(run.result)
    except errors.AwsError as error:
        run.warn(f"the ledger's entry {run.result.release} could not be completed: {error.message}")
        if run.result.verdict is Verdict.SUCCEEDED:
            run.result.cause = Cause.RECORD


def _verdict_of(error: BaseException) -> Verdict:
    if isinstance(error, KeyboardInterrupt):
        return Verdict.INTERRUPTED
    return Verdict.UNKNOWN if isinstance(error, errors.UnknownOutcomeError) else Verdict.FAILED


def _entry(
    env: Environment, kind: Literal["release", "rollback"], actor: Actor, source: Source | None
) -> ReleaseResult:
    sequence = env.ledger.next_sequence()
    released = env.released_tag()
    return ReleaseResult(
        release=f"{env.target.environment}-{sequence:06d}",
        sequence=sequence,
        kind=kind,
        application=env.target.application,
        environment=env.target.environment,
        version="",
        previous_version=released,
        commit=source.commit if source else None,
        subject=source.subject if source else None,
        dirty=bool(source and source.dirty),
        variables_digest=env.target.variables_digest(),
        actor=actor,
        started=datetime.now(UTC),
    )
