"""The recorder of a run: its steps are timed, shown and written to the ledger, and its end becomes a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from longshore.clock import Clock
from longshore.errors import (
    ApplyError,
    AwsError,
    BuildError,
    GitError,
    LockLostError,
    LongshoreError,
    PlanError,
    TerraformError,
    UnknownOutcomeError,
)
from longshore.ledger.journal import Events
from longshore.ledger.lease import Lease
from longshore.ledger.releases import Ledger
from longshore.result import ReleaseResult, StepResult
from longshore.signals import Interrupts
from longshore.terminal.console import Console
from longshore.verdict import Facts, Verdict, conclude, signal_of

_OF_SUBPROCESSES = (BuildError, GitError, PlanError, ApplyError, TerraformError)
"""The errors of subprocesses: a Ctrl-C at a terminal ends those, too."""


@dataclass
class Recorder:
    """Records a run in the ledger and in the journal of its side effects, and shows it on the terminal.

    Attributes:
        result: the run's entry in the ledger.
        ledger: stores the entry.
        journal: the intent and the outcome of every side effect.
        lease: the lock, as this process holds it.
        console: shows steps, details and warnings.
        clock: times the steps.
        interrupts: the signals that have arrived.
        waits: the hooks at which each service waited at the last look, by the key of the service.
        facts: facts about the run as a whole; the outcome of each service is in ``result``.
    """

    result: ReleaseResult
    ledger: Ledger
    journal: Events
    lease: Lease
    console: Console
    clock: Clock
    interrupts: Interrupts
    waits: dict[str, tuple[object, ...]] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    _steadfast: bool = False

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times and shows a step, and writes the entry if it succeeds. A pending signal ends the run before the step.

        Raises:
            InterruptError: a signal has arrived.
            LockLostError: another process holds the lock.
        """
        self.clock.check()
        with self._timed(name):
            self.lease.check()
            try:
                yield
            except _OF_SUBPROCESSES:
                self.clock.check()  # the signal is the reason, not the error of the subprocess that it ended
                raise
        self.ledger.write(self.result)

    @contextmanager
    def steadfast_step(self, name: str) -> Iterator[None]:
        """A step that neither a signal nor a ledger out of reach stops: a rollback, or the record of a release."""
        with self.interrupts.held(), self._timed(name):
            self._steadfast = True
            try:
                yield
            finally:
                self._steadfast = False
        self.write_or_warn()

    @contextmanager
    def effect(self, what: str, detail: str = "", mark: Callable[[], None] = lambda: None) -> Iterator[None]:
        """A side effect: it starts only with the lock held and its intent in the journal; its outcome follows there.

        An intent without an outcome means that the outcome is unknown: the process was killed, or AWS did not answer.

        Args:
            what: the side effect, such as ``update web``.
            detail: its parameters.
            mark: notes in the entry, before the call, the changes that may take effect.

        Raises:
            LockLostError: another process holds the lock; nothing was done.
            AwsError: the intent could not be written; nothing was done (during a rollback this is a warning instead).
        """
        self.lease.check()
        mark()
        self._write_intent(what, detail)
        self.lease.check()  # once more: AWS knows no fencing token, and the write may have taken longer than the lease
        try:
            yield
        except LongshoreError as error:
            if not _may_have_taken_effect(error):
                self._write_outcome(what, f"failed: {error.message}")
            raise
        self._write_outcome(what, "done")

    def note(self, what: str, detail: str = "") -> None:
        """Writes a note into the journal, which is not a side effect."""
        self.lease.check()
        self.journal.append("note", what, detail, self.lease.lock.fence)

    def warn(self, text: str) -> None:
        """Shows and records a warning, once; it does not change the verdict."""
        if text not in self.result.warnings:
            self.result.warnings = [*self.result.warnings, text]
            self.console.warn(text)

    def detail(self, text: str) -> None:
        """Shows a line of detail about the current step; it is not recorded."""
        self.console.detail(text)

    def show_changes(self, title: str, lines: Sequence[str]) -> None:
        """Shows changes under a title, and adds them to the record."""
        if lines:
            self.console.say(title)
            self.console.differences(lines)
            self.result.changes = [*self.result.changes, *lines]

    def hide(self, values: Iterable[str]) -> None:
        """Masks these values in everything that is shown or recorded from now on."""
        self.console.masks.hide(values)

    def hold_signals(self) -> AbstractContextManager[None]:
        """Defers signals while the block lasts."""
        return self.interrupts.held()

    def record_facts(self, **facts: Any) -> None:
        """Records facts about the run as a whole, by the names of the fields of `Facts`."""
        self.facts = replace(self.facts, **facts)

    def conclude(self, error: BaseException | None = None, *, rolling_back: bool = False) -> None:
        """Draws the verdict from the facts recorded so far, and keeps the error that led to it.

        Args:
            error: the error that ended the run; None if there was none.
            rolling_back: the run has not ended: the rollback that the error causes starts now.
        """
        recorded = self.result.facts
        facts = replace(
            self.facts,
            services=recorded.services,
            schedules=recorded.schedules,
            keeps_revisions=recorded.keeps_revisions,
            rolling_back=rolling_back,
        )
        self.result.conclude(conclude(facts, error))
        if error is not None:
            self.result.message = getattr(error, "message", str(error)) or type(error).__name__
            self.result.hint = getattr(error, "hint", "")
            self.result.signal = signal_of(error)

    def write_or_warn(self) -> None:
        """Writes the entry. A failure is a warning; after a successful run it makes the record incomplete."""
        try:
            self.lease.check()
            self.ledger.write(self.result)
        except LockLostError as error:
            self.warn(f"nothing more was recorded: {error.message}")
        except AwsError as error:
            self._warn_of_ledger(error)
            if self.result.verdict is Verdict.SUCCEEDED:
                self.record_facts(record_incomplete=True)
                self.conclude()

    def _write_intent(self, what: str, detail: str) -> None:
        try:
            self.ledger.write(self.result)
            self.lease.check()
            self.journal.append("intent", what, detail, self.lease.lock.fence)
        except AwsError as error:
            if not self._steadfast:
                raise
            self._warn_of_ledger(error)

    def _write_outcome(self, what: str, detail: str) -> None:
        try:
            self.journal.append("outcome", what, detail, self.lease.lock.fence)
        except AwsError as error:
            # Nothing is lost: resuming checks AWS for the outcome. The next intent decides whether the run continues.
            self._warn_of_ledger(error)

    def _warn_of_ledger(self, error: AwsError) -> None:
        self.warn(f"the ledger entry {self.result.release} could not be completed: {error.message}")

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = self.clock.now()
        entry = StepResult(name=name)
        self.result.steps = [*self.result.steps, entry]
        self.lease.now_in(self.result.release, name)
        self.console.step_started(name)
        ok = False
        try:
            yield
            ok = True
        finally:
            entry.seconds = round(self.clock.now() - started, 3)
            self.console.step_ended(name, entry.seconds, ok=ok)


def _may_have_taken_effect(error: LongshoreError) -> bool:
    """Whether a side effect that ended with this error may have taken effect all the same.

    With the lock lost, another process may have resumed this run: an outcome would close that process's own intent.
    """
    unknown = isinstance(error, UnknownOutcomeError | LockLostError)
    return unknown or (isinstance(error, AwsError) and error.ambiguous)
