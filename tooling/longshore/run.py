"""A release while it runs: its steps are timed, shown and written down, and whatever ends it becomes a verdict."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from longshore import errors
from longshore.contract import Contract
from longshore.environment import Environment
from longshore.result import Actor, Cause, ReleaseResult, StepResult, Verdict
from longshore.rollout import Started
from longshore.source import Source

_CAUSES: dict[type[errors.LongshoreError], Cause] = {
    errors.NotReadyError: Cause.CHECK,
    errors.DeclinedError: Cause.DECLINED,
    errors.BuildError: Cause.BUILD,
    errors.PlanError: Cause.PLAN,
    errors.ApplyError: Cause.APPLY,
    errors.MigrationError: Cause.MIGRATION,
    errors.SupersededError: Cause.SUPERSEDED,
    errors.DeadlineError: Cause.DEADLINE,
    errors.VerifyError: Cause.VERIFY,
    errors.RolloutError: Cause.ROLLOUT,
    errors.UnknownOutcomeError: Cause.DEADLINE,
    errors.InterruptError: Cause.INTERRUPT,
}


def cause_of(error: BaseException) -> Cause:
    """The cause that an error stands for."""
    return next((cause for kind, cause in _CAUSES.items() if isinstance(error, kind)), Cause.OTHER)


@dataclass
class Run:
    """One release in progress.

    Attributes:
        env: what it works with.
        result: what is known of it so far.
        contract: what is registered last; apply puts a new one in its place.
        ends_at: when its time is over, by the clock of the environment.
        started: the deployment that each service was moved by, by its key.
    """

    env: Environment
    result: ReleaseResult
    contract: Contract
    ends_at: float
    started: dict[str, Started] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step, shows it, and writes the entry when it has ended well. A signal takes effect before it."""
        self.env.clock.check()
        with self._timed(name):
            try:
                yield
            except errors.LongshoreError:
                # A Ctrl-C at a terminal reaches docker and git as well: what they say then is not the reason.
                self.env.clock.check()
                raise
        self.env.ledger.write(self.result)

    @contextmanager
    def steadfast_step(self, name: str) -> Iterator[None]:
        """A step that neither a signal nor the ledger stops: the way back, and the record of what stands."""
        with self.env.interrupts.held(), self._timed(name):
            yield
        self.record_or_warn()

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        console, clock = self.env.console, self.env.clock
        begun = clock.now()
        entry = StepResult(name=name)
        self.result.steps = [*self.result.steps, entry]
        console.step_started(name)
        ok = False
        try:
            yield
            ok = True
        finally:
            entry.seconds = round(clock.now() - begun, 3)
            console.step_ended(name, entry.seconds, ok=ok)

    def left(self, seconds: float) -> float:
        """What is left of so many seconds, where the release has less."""
        return max(0.0, min(seconds, self.ends_at - self.env.clock.now()))

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
        if isinstance(error, errors.InterruptError):
            self.result.signal = error.name

    def warn(self, text: str) -> None:
        """Something the operator must know that does not change the verdict."""
        if text not in self.result.warnings:
            self.result.warnings = [*self.result.warnings, text]
            self.env.console.warn(text)

    def record_or_warn(self) -> None:
        """Writes the entry; that it can't be written is a warning, and the cause where the release has succeeded."""
        try:
            self.env.ledger.write(self.result)
        except errors.AwsError as error:
            self.warn(f"the ledger's entry {self.result.release} could not be completed: {error.message}")
            if self.result.verdict is Verdict.SUCCEEDED:
                self.result.cause = Cause.RECORD


@contextmanager
def running(
    env: Environment, kind: Literal["release", "rollback"], actor: Actor, source: Source | None = None
) -> Iterator[Run]:
    """Locks the environment, opens a ledger entry, and closes both whatever happens.

    An error inside the block becomes the verdict of the run, not an exception: look at ``run.result``. So does a
    signal; after a second one the lock stays, for nobody knows then what runs.

    Raises:
        LongshoreError: the run could not begin; nothing was done, and there is no entry.
    """
    purpose = f"{kind} of {source.commit[:12] if source else env.target.application}"
    with (
        env.interrupts.watched(env.console.interrupted),
        env.ledger.lock(uuid.uuid4().hex, actor, purpose) as lock,
    ):
        run = Run(env, _entry(env, kind, actor, source), env.contract(), math.inf)
        run.ends_at = env.clock.now() + env.target.env.deadlines.release
        env.ledger.begin(run.result)
        begun = env.clock.now()
        try:
            yield run
        except errors.LongshoreError as error:
            if run.result.verdict is Verdict.RUNNING:
                run.fail(_verdict_of(error), error)
        except errors.LeaveAtOnce as order:
            _left_at_once(run, order)
            lock.keep(run.result.message)
        except BaseException as error:
            run.fail(Verdict.UNKNOWN, error)
            raise
        finally:
            run.result.ended = datetime.now(UTC)
            run.result.seconds = round(env.clock.now() - begun, 3)
            run.record_or_warn()
    for warning in lock.warnings:
        run.warn(warning)


def _left_at_once(run: Run, order: errors.LeaveAtOnce) -> None:
    result = run.result
    step = result.steps[-1].name if result.steps else "the beginning"
    moved = [service.name for service in result.services.values() if service.outcome not in ("not moved", "moved back")]
    result.verdict, result.cause, result.signal = Verdict.INTERRUPTED, Cause.INTERRUPT, order.name
    result.message = f"left at once by a second signal ({order.name}), in the step {step!r}"
    result.message += f"; moved and not moved back: {', '.join(moved)}" if moved else "; no service had moved"
    result.hint = "The lock is kept. Look with: invoke status. Free the lock, then run: invoke rollback"


def _verdict_of(error: errors.LongshoreError) -> Verdict:
    if isinstance(error, errors.InterruptError):
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
