"""Histories of releases, drawn at random: what may happen next, in which environment, and what goes wrong in it."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, currently_in_test_context, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test, initialize, invariant, rule

from longshore.commands import continue_release, lock, promote, release, resume, rollback
from longshore.config.target import Target
from longshore.errors import LockedError
from longshore.result import ReleaseResult
from longshore.run.options import ReleaseOptions
from longshore.verdict import Verdict, exit_code_of
from tests.crash.world import Point
from tests.machine.fleet import Fate
from tests.machine.invariants import entries, violations
from tests.machine.lags import DRAWN, Lags
from tests.machine.world import ENVIRONMENTS, LEASE, Command, Found, Process, World, project

STEPS = 12
WRITES = 80
"""A release writes about as often to its ledger; whatever is drawn beyond its end does not happen."""

FATES = {
    "good": Fate(),
    "web crashes": Fate(web="crashes"),
    "worker crashes": Fate(worker="crashes"),
    "web loops": Fate(web="loops"),
    "worker loops": Fate(worker="loops"),
    "both crash": Fate(web="crashes", worker="loops"),
    "web stays": Fate(web="stays"),
    "web errs": Fate(web="errs"),
    "migration exits 1": Fate(migrate="exits 1"),
    "migration hangs": Fate(migrate="hangs"),
}
TROUBLES = (
    "dies before",
    "dies after",
    "dies after",
    "SIGINT",
    "SIGTERM",
    "twice",
    "theirs",
    "restarted",
    "denied",
    "denied dies",
)


@dataclass(frozen=True)
class Trouble:
    """What happens to a process.

    Attributes:
        what: one of the above; empty for nothing.
        write: at which write to its ledger.
        later: so many writes later the second signal comes; somebody deploys ``web`` where it is odd.
    """

    what: str = ""
    write: int = 0
    later: int = 0

    def befall(self, process: Process) -> None:
        """Lets it happen in time."""
        world, name = process.world, process.environment
        events = process.table.happens
        match self.what.split():
            case ["dies", when]:
                process.table.point = Point(self.write, after=when == "after")
            case ["twice"]:
                events[self.write, True] = partial(_signal, process, signal.SIGINT)
                events[self.write + self.later, False] = partial(_signal, process, signal.SIGTERM)
            case ["theirs"]:
                key = "web" if self.later % 2 else "worker"
                events[self.write, True] = partial(world.deploy_theirs, name, key)
            case ["restarted"]:
                key = "web" if self.later % 2 else "worker"
                events[self.write, True] = partial(world.restart_theirs, name, key)
            case ["denied", *dies]:
                # Only a release that fails goes back.
                process.deny, process.fate = True, process.fate if process.fate != Fate() else FATES["web errs"]
                process.table.point = Point(self.write + 20, after=True) if dies else None
            case [number]:
                events[self.write, True] = partial(_signal, process, signal.Signals[number])
            case _:
                pass


def _signal(process: Process, number: signal.Signals) -> None:
    """As Python's handler of the main thread does, here in the thread of the process."""
    process.interrupts._receive(number, None)


WELL, NOTHING = Fate(), Trouble()

lags = st.builds(Lags, **{name: st.sampled_from(values) for name, values in DRAWN.items()})
environments = st.sampled_from(ENVIRONMENTS)
writes = st.sampled_from(range(1, WRITES + 1))
fates = st.one_of(st.just("good"), st.sampled_from(sorted(FATES)))
few = st.sampled_from(range(1, 9))
moving = st.sampled_from(range(30, 60))
"""The writes of a release while it moves its services."""
troubles = st.one_of(
    st.just(Trouble()),
    st.builds(Trouble, st.sampled_from(TROUBLES), writes, few),
    st.builds(Trouble, st.sampled_from(TROUBLES), moving, few),
)


def _release(process: Process) -> Found:
    return release.release(process.env(), ReleaseOptions.of(yes=True))


def _wait_for_approval(process: Process) -> Found:
    return release.release(process.env(), ReleaseOptions.of(yes=True, until="approve"))


def _approve(nth: int, process: Process) -> Found:
    env = process.env()
    waiting = [entry.release for entry in env.ledger.releases() if entry.verdict is Verdict.WAITING]
    return continue_release.continue_release(
        env, waiting[nth % len(waiting)] if waiting else f"{process.environment}-000001"
    )


def _resume(process: Process) -> Found:
    return resume.resume(process.env(), yes=True, abort=process.command == "abort")


def _rollback(nth: int | None, process: Process) -> Found:
    env = process.env()
    good = sorted({entry.version for entry in env.ledger.succeeded()})
    to = (good[nth % len(good)] if good else "v0.0.9") if nth is not None else None
    return rollback.rollback(env, yes=True, to=to)


def _promote(nth: int | None, process: Process) -> Found:
    tried = process.env("staging")
    good = sorted({entry.version for entry in tried.ledger.succeeded()})
    tag = good[nth % len(good)] if good and nth is not None else None
    return promote.promote(tried, process.env(), ReleaseOptions.of(tag=tag, task="promote", yes=True))


COMMANDS: Mapping[str, Command] = {
    "release": _release,
    "resume": _resume,
    "abort": _resume,
    "rollback": partial(_rollback, None),
}


@dataclass
class Tally:
    """What the histories came to.

    Attributes:
        histories: how many there were.
        steps: of all of them.
        verdicts: how many histories reached each verdict.
    """

    histories: int = 0
    steps: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)

    def missing(self) -> list[str]:
        """The verdicts that none reached."""
        return [verdict for verdict in Verdict if verdict is not Verdict.RUNNING and not self.verdicts[verdict]]

    def __str__(self) -> str:
        rows = [f"{verdict:<16} {self.verdicts[verdict]:>5}" for verdict in Verdict if verdict is not Verdict.RUNNING]
        return "\n".join([f"{self.histories} histories, {self.steps} steps; reached by so many of them:", *rows])


class Histories(RuleBasedStateMachine):
    """One history.

    Args:
        targets: the two environments.
        tally: counts it.
    """

    def __init__(self, targets: Mapping[str, Target], tally: Tally) -> None:
        super().__init__()
        self.tally, self.reached = tally, set[Verdict]()
        self.told, self.wrong = list[str](), list[str]()
        self.world = World(targets)
        self.patch = pytest.MonkeyPatch()
        self.world.replace(self.patch)

    def teardown(self) -> None:
        try:
            self.world.end()
        finally:
            self.patch.undo()  # later tests must find the real package
        self.tally.histories += 1
        self.tally.verdicts.update(self.reached)

    @initialize(lags=lags, ready=st.integers(0, 2))
    def begins(self, lags: Lags, ready: int) -> None:
        """With nothing, with something in staging, or in production too."""
        self.world.fleet.lags = lags
        if ready:
            self._run("release", "staging", _release)
        if ready > 1:
            self._run("promote", "production", partial(_promote, None))

    @rule(name=environments, changed=st.booleans(), fate=fates, trouble=troubles)
    def releases(self, name: str, changed: bool, fate: str, trouble: Trouble) -> None:  # noqa: FBT001 - drawn
        self.world.head += changed
        self._run("release", name, _release, trouble, FATES[fate])

    @rule(name=environments, changed=st.booleans(), fate=fates, trouble=troubles)
    def releases_again(self, name: str, changed: bool, fate: str, trouble: Trouble) -> None:  # noqa: FBT001 - drawn
        self.releases(name, changed, fate, trouble)

    @rule(name=environments, abort=st.booleans(), trouble=troubles)
    def resumes(self, name: str, abort: bool, trouble: Trouble) -> None:  # noqa: FBT001 - drawn
        newest = next((entry for entry in reversed(entries(self.world, name)) if entry.commit), None)
        commit = int(newest.commit or "0", 16) if newest else self.world.head
        self._run("abort" if abort else "resume", name, _resume, trouble, commit=commit)

    @rule(name=environments, trouble=troubles)
    def rolls_back(self, name: str, trouble: Trouble) -> None:
        self._run("rollback", name, partial(_rollback, None), trouble)

    @rule(name=environments, to=st.integers(0, 3), trouble=troubles)
    def rolls_back_to(self, name: str, to: int, trouble: Trouble) -> None:
        self._run("rollback", name, partial(_rollback, to), trouble)

    @rule(version=st.none() | st.integers(0, 3), fate=fates, trouble=troubles)
    def promotes(self, version: int | None, fate: str, trouble: Trouble) -> None:
        self._run("promote", "production", partial(_promote, version), trouble, FATES[fate])

    @rule(name=environments, trouble=troubles)
    def waits_for_approval(self, name: str, trouble: Trouble) -> None:
        self.world.head += 1
        self._run("release", name, _wait_for_approval, trouble)

    @rule(name=environments, nth=st.integers(0, 2), fate=fates, trouble=troubles)
    def is_approved(self, name: str, nth: int, fate: str, trouble: Trouble) -> None:
        self._run("approve", name, partial(_approve, nth), trouble, FATES[fate])

    @rule(
        name=environments,
        write=writes,
        when=st.sampled_from(["before", "after"]),
        then=st.sampled_from(["resume", "resume", "abort", "rollback"]),
        fate=fates,
    )
    def dies_and_is_gone_on_with(self, name: str, write: int, when: str, then: str, fate: str) -> None:
        """Somebody looks after it at once."""
        self.releases(name, True, fate, Trouble(f"dies {when}", write))
        self._run(then, name, COMMANDS[then])

    @rule(
        name=environments,
        command=st.sampled_from(["release", "release", "rollback"]),
        write=writes,
        then=st.sampled_from(["resume", "abort", "rollback"]),
        fate=fates,
    )
    def loses_its_lease(self, name: str, command: str, write: int, then: str, fate: str) -> None:
        """It sleeps for longer than its lease; another one takes over, and ends; then the first wakes up."""
        self.world.head += command == "release"
        first = self._process(command, name, fate=FATES[fate])

        def sleep() -> None:
            self.world.pass_time(LEASE + 1)
            self._run(then, name, COMMANDS[then], commit=first.commit)

        first.table.happens[write, True] = sleep
        self._end(first, COMMANDS[command])

    @rule(name=environments, write=moving, later=few, changed=st.booleans())
    def is_overtaken(self, name: str, write: int, later: int, changed: bool) -> None:  # noqa: FBT001 - drawn
        """Somebody else deploys while it moves its services."""
        self.releases(name, changed, "good", Trouble("theirs" if later % 4 < 2 else "restarted", write, later))

    @rule(name=environments, write=writes, after=st.booleans(), elsewhere=st.booleans(), fate=fates)
    def two_at_once(self, name: str, write: int, after: bool, elsewhere: bool, fate: str) -> None:  # noqa: FBT001
        """Another one starts in the middle of the first, in the same environment or in the other."""
        self.world.head += 1
        first = self._process("release", name, fate=FATES[fate])
        other = next(one for one in ENVIRONMENTS if one != name) if elsewhere else name

        def start() -> None:
            held = self.world.witness.holds(first)
            second = self._run("release", other, _release)
            if held and not elsewhere:
                refused = isinstance(second.found, LockedError) and exit_code_of(second.found) == 3
                self.wrong += [] if refused else [f"{second} was not refused: {second.found}"]

        first.table.happens[write, after] = start
        self._end(first, _release)

    @rule(name=environments)
    def somebody_holds(self, name: str) -> None:
        self._run("take", name, lambda process: lock.take(process.env(), "the database moves"))

    @rule(name=environments)
    def somebody_frees(self, name: str) -> None:
        def free(process: Process) -> Found:
            held = process.env().ledger.locks.read()
            lock.free(process.env(), held.id if held else "1-none")
            return None

        self._run("free", name, free)

    @rule(name=environments, key=st.sampled_from(["web", "worker"]))
    def somebody_deploys(self, name: str, key: str) -> None:
        self.world.deploy_theirs(name, key)

    @rule(name=environments, key=st.sampled_from(["web", "worker"]))
    def somebody_restarts(self, name: str, key: str) -> None:
        self.world.restart_theirs(name, key)

    @rule()
    def time_passes(self) -> None:
        self.world.pass_time(500)

    def _process(
        self, command: str, name: str, trouble: Trouble = NOTHING, fate: Fate = WELL, commit: int | None = None
    ) -> Process:
        made = self.world.process(command, name, fate=fate, commit=commit or self.world.head)
        trouble.befall(made)
        return made

    def _run(
        self,
        command: str,
        name: str,
        run: Command,
        trouble: Trouble = NOTHING,
        fate: Fate = WELL,
        commit: int | None = None,
    ) -> Process:
        return self._end(self._process(command, name, trouble, fate, commit), run)

    def _end(self, process: Process, run: Command) -> Process:
        """Runs a process, and looks at what must hold."""
        found = self.world.run(process, run)
        self.tally.steps += 1
        if isinstance(found, ReleaseResult) and not self.world.witness.lost(process):
            self.reached.add(found.verdict)
        said = f"{found.verdict}: {found.message}" if isinstance(found, ReleaseResult) else repr(found)
        calls = ", ".join(map(str, process.calls))
        self.told.append(
            f"  {process}: {said}; its last write: {process.table.writes[-1:]}; it did {calls or 'nothing'}"
        )
        self.wrong += violations(self.world, [process])
        return process

    @invariant()
    def holds(self) -> None:
        """What processes in the middle of others found as well: hypothesis wants to hear of it in its own thread."""
        for text in self.told if currently_in_test_context() else ():
            note(text)
        self.told.clear()
        assert not self.wrong, "\n".join(["", *dict.fromkeys(self.wrong)])


def play(number: int, examples: int) -> Tally:
    """Plays so many histories.

    Args:
        number: the seed.
        examples: how many.

    Raises:
        AssertionError: what does not hold; hypothesis adds the shortest history that shows it.
    """
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="longshore-machine-") as folder:
        targets = project(Path(folder))
        chosen = settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        test = get_state_machine_test(lambda: Histories(targets, tally), settings=chosen)  # type: ignore[arg-type]
        seed(number)(test)()
    return tally
