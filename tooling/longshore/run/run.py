"""A release while it runs: its steps are timed, shown and written down, and whatever ends it becomes a verdict."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from longshore import errors
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.git import Source
from longshore.ledger.journal import Events
from longshore.ledger.lease import Lease
from longshore.ledger.lock import Lock
from longshore.result import Actor, Cause, Kind, Options, ReleaseResult, StepResult, Verdict
from longshore.rollout.deployments import TrackedDeployment

_CAUSES: dict[type[errors.LongshoreError], Cause] = {
    errors.NotReadyError: Cause.CHECK,
    errors.UsageError: Cause.CHECK,
    errors.LockedError: Cause.LOCK,
    errors.DeclinedError: Cause.DECLINED,
    errors.BuildError: Cause.BUILD,
    errors.PlanError: Cause.PLAN,
    errors.UnsavedStateError: Cause.STATE,
    errors.ApplyError: Cause.APPLY,
    errors.MigrationError: Cause.MIGRATION,
    errors.SupersededError: Cause.SUPERSEDED,
    errors.DeadlineError: Cause.DEADLINE,
    errors.VerifyError: Cause.VERIFY,
    errors.RolloutError: Cause.ROLLOUT,
    errors.UnknownOutcomeError: Cause.DEADLINE,
    errors.InterruptError: Cause.INTERRUPT,
    errors.AbortError: Cause.INTERRUPT,
}

_OF_PROGRAMS = (errors.BuildError, errors.GitError, errors.PlanError, errors.ApplyError, errors.TerraformError)
"""The errors of programs that a Ctrl-C at a terminal ends, too."""


def cause_of(error: BaseException) -> Cause:
    """The cause that an error stands for."""
    return next((cause for kind, cause in _CAUSES.items() if isinstance(error, kind)), Cause.OTHER)


@dataclass(frozen=True)
class RunRequest:
    """How a run begins.

    Attributes:
        kind: what it is.
        actor: who.
        look: reads the contract and looks at it, once the lock is held.
        source: the commit, where one is built.
        options: those it was ordered with, for the record.
        wait: seconds to wait for the lock.
        promoted: the release of another environment whose version this takes over.
        dead: a lock whose holder gives no sign of life, to be taken over.
        again: the entry of a release that another process has begun, to be gone on with.
    """

    kind: Kind
    actor: Actor
    look: Callable[[Environment], Contract]
    source: Source | None = None
    options: Options = field(default_factory=dict)
    wait: float = 0.0
    promoted: ReleaseResult | None = None
    dead: Lock | None = None
    again: ReleaseResult | None = None

    @property
    def purpose(self) -> str:
        """What the lock is held for."""
        if self.again:
            return f"{self.kind} {self.again.release}, gone on with"
        return f"{self.kind} of {self.source.commit[:12]}" if self.source else self.kind


@dataclass
class Run:
    """One release in progress.

    Attributes:
        env: what it works with.
        result: what is known of it so far.
        contract: what is registered last; apply puts a new one in its place.
        lease: the lock, as this process holds it.
        events: what it was about to do, and how that ended.
        ends_at: when its time is over, by the clock of the environment; it begins with the moving.
        resumed: another process began it; what that one did is looked up, not done again.
        started: the deployment that each service was moved by, by its key.
    """

    env: Environment
    result: ReleaseResult
    contract: Contract
    lease: Lease
    events: Events
    ends_at: float = math.inf
    resumed: bool = False
    started: dict[str, TrackedDeployment] = field(default_factory=dict)
    _steadfast: bool = False

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step, shows it, and writes the entry when it has ended well. A signal takes effect before it."""
        self.env.clock.check()
        with self._timed(name):
            self.lease.check()
            try:
                yield
            except _OF_PROGRAMS:
                # A Ctrl-C at a terminal reaches docker and git as well: what they say then is not the reason.
                self.env.clock.check()
                raise
        self.env.ledger.write(self.result)

    @contextmanager
    def steadfast_step(self, name: str) -> Iterator[None]:
        """A step that neither a signal nor the ledger stops: the way back, and the record of what stands."""
        with self.env.interrupts.held(), self._timed(name):
            self._steadfast = True
            try:
                yield
            finally:
                self._steadfast = False
        self.record_or_warn()

    @contextmanager
    def effect(self, what: str, detail: str = "", mark: Callable[[], None] = lambda: None) -> Iterator[None]:
        """A side effect: it begins only with the lock and with its intent in the ledger; its outcome follows there.

        An intent without an outcome means that nobody knows: the process died, or AWS gave no answer.

        Args:
            what: the side effect, such as ``update web``.
            detail: what it is done with.
            mark: notes in the result what may have taken effect from then on.

        Raises:
            LockLostError: the lock is not ours any more; nothing was done.
            AwsError: the intent could not be written; nothing was done (on the way back it is a warning instead).
        """
        self.lease.check()
        mark()
        try:
            self.env.ledger.write(self.result)
            self.lease.check()
            self.events.append("intent", what, detail, self.lease.lock.fence)
        except errors.AwsError as error:
            if not self._steadfast:
                raise
            self._ledger_failed(error)
        self.lease.check()  # once more: AWS knows no fencing token, and we may have slept over a write
        try:
            yield
        except errors.LongshoreError as error:
            if not _open(error):
                self._conclude(what, f"failed: {error.message}")
            raise
        self._conclude(what, "done")

    def note(self, what: str, detail: str = "") -> None:
        """Something that the events shall tell, and that is no side effect."""
        self.lease.check()
        self.events.append("note", what, detail, self.lease.lock.fence)

    def _conclude(self, what: str, detail: str) -> None:
        try:
            self.events.append("outcome", what, detail, self.lease.lock.fence)
        except errors.AwsError as error:
            # Nothing is lost: whoever resumes looks the outcome up. The next intent decides whether we go on.
            self._ledger_failed(error)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        console, clock = self.env.console, self.env.clock
        begun = clock.now()
        entry = StepResult(name=name)
        self.result.steps = [*self.result.steps, entry]
        self.lease.now_in(self.result.release, name)
        console.step_started(name)
        ok = False
        try:
            yield
            ok = True
        finally:
            entry.seconds = round(clock.now() - begun, 3)
            console.step_ended(name, entry.seconds, ok=ok)

    def begin_moving(self) -> None:
        """From here on the release has its deadline: not for building, nor for waiting until somebody approves."""
        self.ends_at = self.env.clock.now() + self.env.target.env.deadlines.release

    def left(self, seconds: float) -> float:
        """What is left of so many seconds, where the release has less."""
        return max(0.0, min(seconds, self.ends_at - self.env.clock.now()))

    @property
    def begun(self) -> bool:
        """Whether another process of this run has moved something: then it was approved."""
        outcomes = [service.outcome for service in self.result.services.values()]
        outcomes += [schedule.outcome for schedule in self.result.schedules.values()]
        return self.resumed and any(outcome != "not moved" for outcome in outcomes)

    def wait_for_approval(self) -> None:
        """Ends the run before anything is applied: somebody goes on with it elsewhere."""
        where = f"-a {self.result.application} -e {self.result.environment}"
        self.result.verdict = Verdict.WAITING
        self.result.message = f"{self.result.version} waits for approval; plan {self.result.fingerprint}"
        self.result.hint = f"Approve with: invoke release {where} --continue {self.result.release}"

    def approve(self, *, yes: bool, question: str = "") -> None:
        """Asks whether the plan shall be applied, unless it was approved elsewhere.

        Args:
            yes: ask nothing.
            question: in the place of the usual one.

        Raises:
            DeclinedError: no, or nobody to ask.
            PlanError: the plan is not the one that was approved.
        """
        if self.result.approved not in ("", self.result.fingerprint):
            raise errors.PlanError(
                "the plan has changed since it was approved: the approval is void",
                "Order the release again: invoke release --until approve",
            )
        usual = f"{self.result.kind.capitalize()} {self.result.version} to {self.result.environment}?"
        self.env.console.prompt.approve(question or usual, yes=yes)

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
            self.lease.check()
            self.env.ledger.write(self.result)
        except errors.LockLostError as error:
            self.warn(f"nothing further was written down: {error.message}")
        except errors.AwsError as error:
            self._ledger_failed(error)
            if self.result.verdict is Verdict.SUCCEEDED:
                self.result.cause = Cause.RECORD

    def _ledger_failed(self, error: errors.AwsError) -> None:
        self.warn(f"the ledger's entry {self.result.release} could not be completed: {error.message}")


@contextmanager
def running(env: Environment, opening: RunRequest) -> Iterator[Run]:
    """Locks the environment, opens a ledger entry, and closes both whatever happens.

    An error inside the block becomes the verdict of the run, not an exception: look at ``run.result``. So does a
    signal; after a second one the lock stays, for nobody knows then what runs.

    Raises:
        LongshoreError: the run could not begin; nothing was done, and there is no entry.
    """
    with env.interrupts.watched(env.console.interrupted), _locked(env, opening) as lease:
        run = _begin(env, opening, lease)
        begun, before = env.clock.now(), run.result.seconds or 0.0
        try:
            yield run
        except errors.LongshoreError as error:
            if run.result.verdict is Verdict.RUNNING:
                run.fail(_verdict_of(run, error), error)
        except errors.LeaveAtOnce as order:
            _left_at_once(run, order)
            lease.keep(run.result.message)
        except BaseException as error:
            run.fail(Verdict.UNKNOWN, error)
            if moved := _still_moved(run.result):
                lease.keep(f"a mistake of Longshore's left {', '.join(moved)} moved: {run.result.message}")
            raise
        finally:
            run.result.ended = datetime.now(UTC)
            run.result.seconds = round(before + env.clock.now() - begun, 3)
            run.record_or_warn()
    for warning in lease.warnings:
        run.warn(warning)


def _locked(env: Environment, opening: RunRequest) -> AbstractContextManager[Lease]:
    locks, owner = env.ledger.locks, uuid.uuid4().hex
    if opening.dead:
        return locks.taken_over(opening.dead, owner, opening.actor, opening.purpose)
    return locks.held(owner, opening.actor, opening.purpose, wait=opening.wait, on_wait=env.console.waits_for)


def _begin(env: Environment, opening: RunRequest, lease: Lease) -> Run:
    """Reads what may have changed until the lock was held, and opens the entry, or the one that is gone on with."""
    contract = opening.look(env)
    recent = list(islice(env.ledger.releases(page=20), 20))
    result = (
        _again(env, opening.again) if opening.again else _entry(env, opening, recent[0].sequence + 1 if recent else 1)
    )
    run = Run(env, result, contract, lease, env.ledger.events(result.release), resumed=opening.again is not None)
    lease.check()
    for left in recent:
        if left.left_behind and left.release != result.release:
            _close(run, left)
            lease.check()
    if opening.dead:
        run.note("takes the lock over", f"from {opening.dead}")
    if opening.again:
        env.ledger.take(result, lease.lock.fence)
        run.note("goes on", f"{opening.actor.user} on {opening.actor.host} ({opening.actor.arn})")
    else:
        result.fence = lease.lock.fence
        env.ledger.begin(result)
    lease.now_in(result.release, "begin")
    return run


def _again(env: Environment, found: ReleaseResult) -> ReleaseResult:
    """The entry of a release that is gone on with, as it is now that nobody else can write it.

    Raises:
        NotReadyError: somebody has gone on with it since it was looked at.
    """
    now = env.ledger.find(found.release)
    if now is None or (now.verdict, now.resumed) != (found.verdict, found.resumed):
        raise errors.NotReadyError(
            f"somebody else has gone on with {found.release}", f"See what became of it: invoke show {found.release}"
        )
    now.resumed += 1
    now.verdict, now.cause, now.message, now.hint, now.ended = Verdict.RUNNING, None, "", "", None
    return now


def _close(run: Run, left: ReleaseResult) -> None:
    """Completes the entry of a release whose process died: we hold the lock, so it can't run any more."""
    step = left.steps[-1].name if left.steps else "the beginning"
    if left.verdict is Verdict.RUNNING:
        left.verdict, left.cause = Verdict.INTERRUPTED, Cause.OTHER
        left.message = f"its process died after the step {step!r}; {run.result.release} came next"
    left.ended = datetime.now(UTC)
    run.env.ledger.take(left, run.lease.lock.fence)


def _left_at_once(run: Run, order: errors.LeaveAtOnce) -> None:
    result = run.result
    step = result.steps[-1].name if result.steps else "the beginning"
    moved = _still_moved(result)
    result.verdict, result.cause, result.signal = Verdict.INTERRUPTED, Cause.INTERRUPT, order.name
    result.message = f"left at once by a second signal ({order.name}), in the step {step!r}"
    result.message += f"; moved and not moved back: {', '.join(moved)}" if moved else "; no service had moved"
    result.hint = "The lock is kept. Look with: invoke status. Go on with: invoke release --resume, or invoke rollback"


def _still_moved(result: ReleaseResult) -> list[str]:
    """The services and scheduled tasks that are not where they were."""
    if result.keeps_revisions:
        return []
    services = [one.name for one in result.services.values() if one.outcome not in ("not moved", "moved back")]
    return services + [one.rule for one in result.schedules.values() if one.outcome not in ("not moved", "moved back")]


def _verdict_of(run: Run, error: errors.LongshoreError) -> Verdict:
    if run.result.keeps_revisions and isinstance(error, errors.SupersededError):
        return Verdict.SUPERSEDED
    if isinstance(error, errors.InterruptError):
        return Verdict.INTERRUPTED
    if isinstance(error, errors.LockLostError):
        # Whoever has the lock now goes on with what has moved.
        moved = any(service.outcome != "not moved" for service in run.result.services.values())
        return Verdict.UNKNOWN if moved else Verdict.FAILED
    # Where something is left moved, whoever resumes looks at it: `failed` would be the end.
    unknown = isinstance(error, errors.UnknownOutcomeError) or _still_moved(run.result)
    return Verdict.UNKNOWN if unknown else Verdict.FAILED


def _open(error: errors.LongshoreError) -> bool:
    """Whether a side effect that ended so may have taken effect all the same."""
    return isinstance(error, errors.UnknownOutcomeError) or (isinstance(error, errors.AwsError) and error.ambiguous)


def _entry(env: Environment, opening: RunRequest, sequence: int) -> ReleaseResult:
    source, given = opening.source, opening.promoted
    made = ReleaseResult(
        release=f"{env.target.environment}-{sequence:06d}",
        sequence=sequence,
        kind=opening.kind,
        application=env.target.application,
        environment=env.target.environment,
        version="",
        previous_version=env.released_tag(),
        commit=source.commit if source else None,
        subject=source.subject if source else None,
        author=(source.author or None) if source else None,
        dirty=bool(source and source.dirty),
        variables_digest=env.target.variables_digest(),
        actor=opening.actor,
        options=dict(opening.options),
        promoted_from=given.release if given else None,
        started=datetime.now(UTC),
    )
    if given:
        made.copy_source_from(given)
    return made
