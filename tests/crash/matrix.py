"""Every point at which a process can end, what is run then, and what must hold in the end (the invariants of the list
of failures)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from longshore.commands import continue_release, release, resume, rollback
from longshore.errors import LongshoreError, NotReadyError, UsageError
from longshore.result import ReleaseResult
from longshore.run.options import ReleaseOptions
from longshore.verdict import Verdict
from tests.crash.world import Command, Mortal, Point, World, world
from tests.scenarios import shop
from tests.scenarios.scenario import Scenario, Shape
from tests.scenarios.stage import Theatre

CRASHING = (("web new", "exits 1 at start"),)
RECORDED = (
    ("rollback_keeps_id", 1.0),
    ("failure_hidden", 30.0),
    ("listed_after", 8.0),
    ("rollback_reported_after", 8.0),
)
"""The rollback by ECS has its old id, and each read shows it at another time."""

USUAL = Shape()
TWO = Shape(released=("v0.9.0", "v1.0.0"))
RICH = Shape(migration=2, schedule=True)


@dataclass(frozen=True)
class Case:
    """A command that dies, and the one that is run then.

    Attributes:
        name: of the case.
        first: the command that dies.
        then: what is run then.
        ends: the verdicts that may come out, by the commands' words.
        shape: the application.
        tasks: what its tasks do.
        ecs: when and how the sandbox shows what has happened, where it is not by its defaults.
    """

    name: str
    first: Command
    then: Command
    ends: frozenset[Verdict]
    shape: Shape = USUAL
    tasks: tuple[tuple[str, str], ...] = ()
    ecs: tuple[tuple[str, float], ...] = ()

    @property
    def scenario(self) -> Scenario:
        """The stage that it is played on."""
        expect = {"verdict": "none", "exit_code": 0}
        return Scenario.model_validate(
            {"name": self.name, "title": self.name, "promises": (63,), "shape": self.shape.model_dump(),
             "tasks": dict(self.tasks), "settings": {"ecs": dict(self.ecs)}, "expect": expect}
        )  # fmt: skip


def _release(env: Mortal) -> ReleaseResult:
    return release.release(env, ReleaseOptions.of(yes=True))


def _resume(env: Mortal) -> ReleaseResult:
    return resume.resume(env, yes=True)


def _abort(env: Mortal) -> ReleaseResult:
    return resume.resume(env, yes=True, abort=True)


def _rollback(env: Mortal) -> ReleaseResult:
    return rollback.rollback(env, yes=True)


def _approved(env: Mortal) -> ReleaseResult:
    waiting = next(r for r in env.ledger.releases() if r.verdict is Verdict.WAITING)
    return continue_release.continue_release(env, waiting.release)


_GONE_ON = frozenset({Verdict.SUCCEEDED})
_GONE_BACK = frozenset({Verdict.ROLLED_BACK, Verdict.FAILED, Verdict.SUCCEEDED})
"""Going back is `failed` where nothing had moved, and `succeeded` where the release had ended but for its lock."""

CASES = (
    Case("release, resumed", _release, _resume, _GONE_ON),
    Case("release, aborted", _release, _abort, _GONE_BACK),
    Case("release, rolled back by hand", _release, _rollback, _GONE_ON),
    Case("release with schedule and late migration, resumed", _release, _resume, _GONE_ON, RICH),
    Case(
        "release that goes back, resumed", _release, _resume, frozenset({Verdict.ROLLED_BACK}), USUAL, CRASHING,
    ),
    Case(
        "release that ECS rolls back as recorded, resumed", _release, _resume, frozenset({Verdict.ROLLED_BACK}),
        USUAL, CRASHING, RECORDED,
    ),
    Case("roll-back by hand, resumed", _rollback, _resume, _GONE_ON, TWO),
    Case("approved release, resumed", _approved, _resume, _GONE_ON),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What came out: the verdict, or the refusal, and what does not hold."""

    case: Case
    point: Point
    write: str
    verdict: str
    violations: tuple[str, ...]


def points(theatre: Theatre, case: Case) -> list[tuple[Point, str]]:
    """Every point of a case, each with the write that it is at.

    After each write; and before each outcome, when the effect is there and its record is not.
    """
    with _played(theatre, case) as made:
        env = made.process()
        made.run(env, case.first)
        writes = env.table.writes
    after = [(Point(number, after=True), write) for number, write in enumerate(writes, 1)]
    before = [
        (Point(number, after=False), write) for number, write in enumerate(writes, 1) if write.startswith("outcome")
    ]
    return sorted(after + before, key=lambda found: (found[0].write, found[0].after))


def play(theatre: Theatre, case: Case, point: Point, write: str) -> Outcome:
    """Lets a process end at a point, goes on, and looks."""
    with _played(theatre, case) as made:
        first = made.process(point)
        if made.run(first, case.first) is not None:
            return Outcome(case, point, write, "-", ("it did not end there: its writes are not the same each time",))
        second = made.process()
        found = made.run(second, case.then)
        verdict = found.verdict.value if isinstance(found, ReleaseResult) else f"refused: {found}"
        return Outcome(case, point, write, verdict, tuple(violations(made, second, case, found)))


@contextmanager
def _played(theatre: Theatre, case: Case) -> Iterator[World]:
    """A world in which what comes before the first command of a case has happened."""
    with (
        tempfile.TemporaryDirectory(prefix="longshore-crash-") as folder,
        world(theatre, case.scenario, Path(folder)) as made,
    ):
        if case.first is _approved:
            made.run(made.process(), _order_for_approval)
        yield made


def _order_for_approval(env: Mortal) -> ReleaseResult:
    return release.release(env, ReleaseOptions.of(yes=True, until="approve"))


def violations(made: World, env: Mortal, case: Case, found: ReleaseResult | LongshoreError | None) -> Iterator[str]:
    """What does not hold, one sentence each."""
    entries = list(env.ledger.releases())
    yield from _of_the_verdict(made, case, found, entries)
    yield from _of_the_record(made, env, entries)
    yield from _of_the_calls(made)


def _of_the_verdict(
    made: World, case: Case, found: ReleaseResult | LongshoreError | None, entries: Sequence[ReleaseResult]
) -> Iterator[str]:
    # A refusal is right where nothing had begun, or all had ended: the entries and the lock say so elsewhere.
    if isinstance(found, LongshoreError) and not isinstance(found, UsageError | NotReadyError):
        yield f"refused: {found}"
    if isinstance(found, ReleaseResult) and found.verdict not in case.ends:
        yield f"verdict {found.verdict}: {found.message}"
    newest = entries[0]
    if newest.verdict is Verdict.SUCCEEDED:
        for key, service in newest.services.items():
            running = made.stage.service(key)
            wanted = service.after and service.after.task_definition
            if running and wanted and running.primary.task_definition != wanted:
                yield f"succeeded, but {key} runs {running.primary.task_definition}, not {wanted}"
    if newest.verdict is Verdict.ROLLED_BACK:
        yield from (f"rolled back, but {key} runs {made.stage.runs(key)}" for key in case.shape.services
                    if made.stage.runs(key) != "old")  # fmt: skip


def _of_the_record(made: World, env: Mortal, entries: Sequence[ReleaseResult]) -> Iterator[str]:
    if held := env.ledger.locks.read():
        yield f"still {held}"
    yield from (f"{entry.release} is still running" for entry in entries if entry.verdict is Verdict.RUNNING)
    versions = [e.version for e in entries if e.kind == "release" and e.version and not e.promoted_from]
    if len(versions) != len(set(versions)):
        yield f"a version was issued twice: {versions}"
    parameter = made.stage.ssm.get_parameter(Name=shop.PARAMETER)["Parameter"]["Value"]
    good = next(entry.version for entry in entries if entry.verdict is Verdict.SUCCEEDED)
    if parameter != good:
        yield f"the parameter says {parameter}, the last good release is {good}"
    if made.stage.stack.pending():
        yield "Terraform's next plan is not empty"


def _of_the_calls(made: World) -> Iterator[str]:
    calls = made.stage.calls()
    if made.stage.one_off_tasks() > 1:
        yield f"{made.stage.one_off_tasks()} migration tasks"
    if len(made.engine.builds) > 1:
        yield f"built more than once: {made.engine.builds}"
    if len(made.engine.pushed) != len(set(made.engine.pushed)):
        yield f"a tag was pushed twice: {made.engine.pushed}"
    for call in calls:
        words = call.split()
        if words[0] == "update" and words[2] not in ("old", "new", "earlier"):
            yield f"moved to a revision that is neither of this release nor the one before: {call}"
        if words[0] == "update" and words[2] == "earlier" and made.stage.one_off_tasks():
            yield f"moved further back than what ran before: {call}"
        if "deregister" in call.lower():
            yield f"deregistered: {call}"


Each = Callable[[Outcome], None]


def run(theatre: Theatre, cases: Sequence[Case], each: Each, every: int = 1) -> None:
    """Plays all points of these cases, or each so-many-th of them."""
    for case in cases:
        for number, (point, write) in enumerate(points(theatre, case)):
            if number % every == 0:
                each(play(theatre, case, point, write))
