"""How a run begins, is resumed, and ends: the lock, the ledger entry and the verdict."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import InternalError, LeaveAtOnce, LongshoreError, NotReadyError
from longshore.git import Source
from longshore.ledger.lease import Lease
from longshore.ledger.lock import Lock
from longshore.result import Actor, Kind, Options, ReleaseResult
from longshore.run.run import Run
from longshore.terminal.bugs import as_longshore_error
from longshore.verdict import Facts, Verdict, conclude


@dataclass(frozen=True)
class RunRequest:
    """How a run begins.

    Attributes:
        kind: a release, a rollback, an apply, a scale or a restart.
        actor: the caller.
        look: reads and checks the contract, once the lock is held.
        source: the commit, if one is built.
        options: the command line's options, for the record.
        wait: seconds to wait for the lock.
        promoted: the release to another environment, whose version this run releases.
        stale_lock: a lock whose holder no longer renews it, to be taken over.
        resumes: the entry of a run that another process began, to be continued.
    """

    kind: Kind
    actor: Actor
    look: Callable[[Environment], Contract]
    source: Source | None = None
    options: Options = field(default_factory=dict)
    wait: float = 0.0
    promoted: ReleaseResult | None = None
    stale_lock: Lock | None = None
    resumes: ReleaseResult | None = None

    @property
    def purpose(self) -> str:
        """The purpose for which the lock is held."""
        if self.resumes:
            return f"{self.kind} {self.resumes.release}, resumed"
        return f"{self.kind} of {self.source.commit[:12]}" if self.source else self.kind


@contextmanager
def running(env: Environment, request: RunRequest) -> Iterator[Run]:
    """Locks the environment, opens a ledger entry, and closes both at the end.

    An error inside the block becomes the verdict of the run, not an exception: see ``run.result``. So does a signal;
    after a second one the lock is kept, because the state of the services is unknown.

    Raises:
        LongshoreError: the run could not begin; nothing was done, and there is no entry.
    """
    with env.interrupts.watched(env.console.interrupted), _locked(env, request) as lease:
        run = _begin(env, request, lease)
        started, seconds_before = env.clock.now(), run.result.seconds or 0.0
        try:
            yield run
            run.record_facts(done=not run.facts.waiting)
            run.conclude()
        except LongshoreError as error:
            _conclude(run, error)
        except LeaveAtOnce as order:
            run.conclude(order)
            _explain_leaving(run.result, order)
            lease.keep(run.result.message)
        except Exception as error:
            known = as_longshore_error(error)
            if isinstance(known, InternalError):
                _end_after_bug(run, lease, known)
                known.exit_code = int(run.result.exit_code)
                raise known from error
            _conclude(run, known)
        except BaseException as error:
            _end_after_bug(run, lease, error)
            raise
        finally:
            run.result.ended = datetime.now(UTC)
            run.result.seconds = round(seconds_before + env.clock.now() - started, 3)
            run.write_or_warn()
    for warning in lease.warnings:
        run.warn(warning)


def _conclude(run: Run, error: LongshoreError) -> None:
    if run.result.verdict is Verdict.RUNNING:
        run.conclude(error)


def _end_after_bug(run: Run, lease: Lease, error: BaseException) -> None:
    run.conclude(error)
    if moved := _still_moved(run.result):
        lease.keep(f"a bug in Longshore left {', '.join(moved)} updated: {run.result.message}")


def _locked(env: Environment, request: RunRequest) -> AbstractContextManager[Lease]:
    locks, owner = env.ledger.locks, uuid.uuid4().hex
    if request.stale_lock:
        return locks.taken_over(request.stale_lock, owner, request.actor, request.purpose)
    return locks.held(owner, request.actor, request.purpose, wait=request.wait, on_wait=env.console.waits_for)


def _begin(env: Environment, request: RunRequest, lease: Lease) -> Run:
    """Reads everything that may have changed before the lock was held, and opens the entry, a new or a resumed one."""
    contract = request.look(env)
    recent = list(env.ledger.recent())
    result = _reopened(env, request.resumes) if request.resumes else new_entry(env, request, recent)
    run = Run(
        result=result,
        ledger=env.ledger,
        journal=env.ledger.events(result.release),
        lease=lease,
        console=env.console,
        clock=env.clock,
        interrupts=env.interrupts,
        contract=contract,
        resumed=request.resumes is not None,
    )
    lease.check()
    for entry in recent:
        if entry.unfinished and entry.release != result.release:
            _close_abandoned(run, entry)
            lease.check()
    if request.stale_lock:
        run.note("takes over the lock", f"from {request.stale_lock}")
    if request.resumes:
        env.ledger.take(result, lease.lock.fence)
        run.note("resumed", f"by {request.actor.user} on {request.actor.host} ({request.actor.arn})")
    else:
        result.fence = lease.lock.fence
        env.ledger.begin(result)
    lease.now_in(result.release, "begin")
    return run


def _reopened(env: Environment, entry: ReleaseResult) -> ReleaseResult:
    """The entry of a run that is resumed, read again now that this process holds the lock.

    Raises:
        NotReadyError: another process has resumed it since it was read.
    """
    current = env.ledger.find(entry.release)
    if current is None or (current.verdict, current.resumed) != (entry.verdict, entry.resumed):
        raise NotReadyError(
            f"another process has resumed {entry.release} already", f"See its outcome: invoke show {entry.release}"
        )
    current.resumed += 1
    current.conclude(conclude(Facts(), None))  # it runs again
    current.message, current.hint, current.signal, current.ended = "", "", "", None
    return current


def _close_abandoned(run: Run, entry: ReleaseResult) -> None:
    """Completes the entry of a run whose process was killed: this run holds the lock, so that one has ended."""
    if entry.verdict is Verdict.RUNNING:
        entry.conclude(conclude(Facts(abandoned=True), None))
        entry.message = f"its process was killed after the step {_last_step(entry)}; {run.result.release} followed"
        entry.hint = entry.signal = ""  # those of the error whose rollback was killed
    entry.ended = datetime.now(UTC)
    run.ledger.take(entry, run.lease.lock.fence)


def _explain_leaving(result: ReleaseResult, order: LeaveAtOnce) -> None:
    moved = _still_moved(result)
    result.message = f"aborted immediately by a second signal ({order.name}), in the step {_last_step(result)}"
    result.message += f"; not rolled back: {', '.join(moved)}" if moved else "; no service had been updated"
    if isinstance(order.__cause__, LongshoreError):  # of the terraform that the signal has ended
        result.message += f"\n{order.__cause__.message}\n{order.__cause__.hint}".rstrip()
    result.hint = (
        "The lock is kept. Check with: invoke status. Then continue with: invoke release --resume,"
        " or roll back with: invoke rollback"
    )


def _last_step(result: ReleaseResult) -> str:
    return repr(result.steps[-1].name) if result.steps else "'begin'"


def _still_moved(result: ReleaseResult) -> list[str]:
    """The services and scheduled tasks that are not on their previous revision."""
    if result.keeps_revisions:
        return []
    settled = ("not moved", "moved back")
    services = [service.name for service in result.services.values() if service.outcome not in settled]
    return services + [schedule.rule for schedule in result.schedules.values() if schedule.outcome not in settled]


def new_entry(env: Environment, request: RunRequest, recent: Sequence[ReleaseResult]) -> ReleaseResult:
    """The entry of a new run, which is not stored yet; ``recent`` are the entries before it, newest first."""
    source, promoted = request.source, request.promoted
    sequence = recent[0].sequence + 1 if recent else 1
    entry = ReleaseResult(
        release=f"{env.target.environment}-{sequence:06d}",
        sequence=sequence,
        kind=request.kind,
        application=env.target.application,
        environment=env.target.environment,
        version="",
        previous_version=env.released_tag(),
        commit=source.commit if source else None,
        subject=source.subject if source else None,
        author=(source.author or None) if source else None,
        dirty=bool(source and source.dirty),
        variables_digest=env.target.variables_digest(),
        actor=request.actor,
        options=dict(request.options),
        promoted_from=promoted.release if promoted else None,
        started=datetime.now(UTC),
    )
    if promoted:
        entry.copy_source_from(promoted)
    return entry
