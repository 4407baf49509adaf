"""The world of a history: two environments of one application, and the processes that release to them.

A process is a thread, but never do two of them run at once: another one runs inside a write of the first. So a history
is the same each time that it is played.
"""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from longshore import git
from longshore.aws.session import Aws as RealAws
from longshore.clock import Clock
from longshore.config.contract import UNRELEASED
from longshore.config.settings import load
from longshore.config.target import Target, select
from longshore.environment.access import Access
from longshore.environment.environment import Environment
from longshore.errors import LeaveAtOnce, LongshoreError
from longshore.git import Source
from longshore.images import docker
from longshore.masking import Masks
from longshore.result import ReleaseResult
from longshore.rollout import health
from longshore.rollout.expected_text import ExpectedText
from longshore.run import build_and_plan
from longshore.signals import Interrupts
from longshore.terminal.console import Console
from longshore.terraform.driver import Driver
from tests.crash.world import MortalTable, Point
from tests.fakes.memory_table import MemoryTable
from tests.machine.cloud import Aws, Call, Ecr, Ecs, Engine, Events, Parameters, Registry, denied
from tests.machine.fleet import ACCOUNT, REGION, Fate, Fleet
from tests.machine.stack import APPLICATION, KEYS, NIGHTLY, WAVES, Stack, State, content, name_of, parameter_of
from tests.machine.witness import Witness

ENVIRONMENTS = ("staging", "production")
LEASE = 3600.0
"""Seconds. A holder's signs of life come by the real clock, three a lease: none falls into a history."""
TAKES = 0.02
"""Seconds that a write takes, so that no two things happen at one moment."""
DEADLINES = {"release": 1800, "rollout": 40, "migration": 60, "verify": 20, "bake": 2}

Found = ReleaseResult | LongshoreError | object | None
Command = Callable[["Process"], object]

_REAL_SECONDS = 60.0


class Gone(BaseException):
    """The history is over: a process that ended in the middle goes away."""


class Mortal(MortalTable):
    """The table as a process sees it, which ends at a write, or at which something else happens."""

    def __init__(self, process: Process, point: Point | None) -> None:
        super().__init__(cast(Any, _Watched(process)), point)
        self.process = process
        self.happens: dict[tuple[int, bool], Callable[[], None]] = {}

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **conditions: Any) -> bool:
        number = len(self.writes) + 1
        self._happen(number, after=False)
        done = super().put(pk, sk, item, **conditions)
        self._happen(number, after=True)
        return done

    def _happen(self, number: int, *, after: bool) -> None:
        if event := self.happens.pop((number, after), None):
            event()

    def _die(self) -> None:
        if not self.died.is_set():
            self.died.set()
            self.process.ended.put(None)
        self.process.world.over.wait()
        raise Gone


@dataclass
class _Watched:
    """The real table; the witness sees what a process writes."""

    process: Process

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self.process.world.table.get(pk, sk)

    def query(self, pk: str, prefix: str = "", **how: Any) -> Iterator[dict[str, Any]]:
        return self.process.world.table.query(pk, prefix, **how)

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **conditions: Any) -> bool:
        world = self.process.world
        world.pass_time(TAKES)
        before = world.table.get(pk, sk)
        done = world.table.put(pk, sk, item, **conditions)
        if done:
            world.witness.wrote(self.process, pk, before, dict(item))
        return done


@dataclass(frozen=True)
class InMemory(Environment):
    """An environment as a process sees it."""

    process: Process = field(kw_only=True)

    @cached_property
    def access(self) -> Access:
        return Access(REGION, {}, lambda _cluster, service: f"http://{service}")

    @cached_property
    def aws(self) -> RealAws:
        return cast(RealAws, self.process.aws)

    @property
    def terraform(self) -> Driver:
        world, name = self.process.world, self.target.environment

        def about_to(key: str, tag: str) -> None:
            self.process.about_to(Call("register", name, f"{key} {tag}"))

        return cast(Driver, Stack(world.states[name], world.fleet, self.released_tag, about_to))


@dataclass
class Process:
    """One run of the tool.

    Attributes:
        world: where.
        name: for people.
        command: what it was started as; only some may take a lock over.
        environment: which it changes.
        commit: what is checked out where it runs.
        fate: of a version that it registers first.
        deny: the way back is refused by AWS.
        owner: the token of the lock that it took, once it has.
        found: what came out.
        left: it ended at a second signal, wherever it was.
        alive: it has begun and not ended; another one may run in one of its writes.
    """

    world: World
    name: str
    command: str
    environment: str
    commit: int
    fate: Fate = field(default_factory=Fate)
    deny: bool = False
    owner: str = ""
    found: Found = None
    left: bool = False
    alive: bool = False
    calls: list[Call] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)
    began_at: Mapping[str, str] = field(default_factory=dict)
    ended: queue.Queue[object] = field(default_factory=queue.Queue)
    table: Mortal = field(init=False)
    interrupts: Interrupts = field(default_factory=Interrupts)

    def __post_init__(self) -> None:
        self.table = Mortal(self, None)

    def __str__(self) -> str:
        return self.name

    @property
    def died(self) -> bool:
        """Whether it ended in the middle."""
        return self.table.died.is_set()

    @cached_property
    def aws(self) -> Aws:
        """AWS."""
        world = self.world
        return Aws(
            Ecr(world.registry, self.about_to),
            Ecs(world.fleet, self.about_to),
            Events(world.rules, world.rules_on, world.fleet, self.about_to),
            Parameters(world.parameters, self.about_to),
            self.table,
        )

    def env(self, name: str = "") -> InMemory:
        """The environment that it changes, or another one."""
        quiet = Console(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False, masks=Masks())
        clock = Clock(self.world.time, self.world.pass_time, self.interrupts.check)
        return InMemory(
            self.world.targets[name or self.environment], quiet, clock, self.interrupts, process=self
        )  # fmt: skip

    def about_to(self, call: Call) -> None:
        """It makes a call that changes something."""
        self.world.witness.called(self, call)
        self.calls.append(call)
        if call.what == "register":
            self.world.fleet.fates.setdefault((call.environment, call.subject.partition(" ")[2]), self.fate)
        if self.deny and call.what == "update" and call.revision and self._is_back(call):
            raise denied(call)

    def _is_back(self, call: Call) -> bool:
        return call.revision is not None and self.began_at.get(call.subject) == call.revision.arn


class World:
    """Everything that there is.

    Args:
        targets: the two environments, as the configuration has them.
    """

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self.targets = targets
        self.now = 0.0
        self.head = 1
        self.table = MemoryTable()
        self.registry = Registry()
        self.fleet = Fleet(self.time, self._digest)
        self.parameters = {parameter_of(name): UNRELEASED for name in ENVIRONMENTS}
        self.rules: dict[str, Any] = {}
        self.rules_on: set[str] = set()
        self.states: dict[str, State] = {}
        self.over = threading.Event()
        self.processes: list[Process] = []
        self.witness = Witness(self)
        self._here = threading.local()
        self._threads: list[threading.Thread] = []
        for name in ENVIRONMENTS:
            self._set_up(name)

    def _set_up(self, name: str) -> None:
        made = {key: self.fleet.register(name, key, UNRELEASED, content(name, key, UNRELEASED)) for key in KEYS}
        self.states[name] = State(name, made)
        for key in WAVES:
            self.fleet.make(name_of(name, key), made[key], breaker=key == "web")
        self.rules[name_of(name, NIGHTLY)] = made[NIGHTLY]

    def _digest(self, tag: str) -> str | None:
        return self.registry.tags.get(tag)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds

    def deploy_theirs(self, environment: str, key: str) -> None:
        """Somebody deploys a revision that no release knows of."""
        revision = self.fleet.register(environment, key, "theirs", content(environment, key, "theirs"))
        service = self.fleet.service(name_of(environment, key))
        service.desired = max(1, service.desired)
        self.fleet.deploy(service.name, revision, theirs=True)
        self.witness.deployed_theirs(environment, key)

    def restart_theirs(self, environment: str, key: str) -> None:
        """Somebody restarts a service: a new deployment of the revision that it has."""
        service = self.fleet.service(name_of(environment, key))
        self.fleet.deploy(service.name, service.primary.revision, theirs=True)
        self.witness.deployed_theirs(environment, key)

    def process(self, command: str, environment: str, **known: Any) -> Process:
        """A new process, where the newest commit is checked out unless another one is given."""
        name = f"process {len(self.processes) + 1} ({command} in {environment})"
        made = Process(self, name, command, environment, **({"commit": self.head} | known))
        services = (self.fleet.service(name_of(environment, key)) for key in WAVES)
        made.began_at = {service.key: service.primary.revision.arn for service in services}
        self.processes.append(made)
        return made

    def run(self, process: Process, command: Command) -> Found:
        """Runs a command to its end, or to the point where its process ends: then None."""

        def body() -> None:
            self._here.process = process
            try:
                process.ended.put(command(process))
            except Gone:
                pass
            except BaseException as error:  # noqa: BLE001 - whatever it is, the history tells it
                process.ended.put(error)

        thread = threading.Thread(target=body, daemon=True)
        self._threads.append(thread)
        process.alive = True
        thread.start()
        found = process.ended.get(timeout=_REAL_SECONDS)
        process.alive = False
        process.left = isinstance(found, LeaveAtOnce)
        if isinstance(found, BaseException) and not isinstance(found, LongshoreError | LeaveAtOnce):
            raise found
        process.found = found
        return found

    def end(self) -> None:
        """Lets the processes go that ended in the middle."""
        self.over.set()
        for thread in self._threads:
            thread.join()

    # What the package finds in place of docker, git and HTTP

    def replace(self, patch: pytest.MonkeyPatch) -> None:
        """Puts this world in the place of the real one."""
        patch.setattr(docker, "Docker", lambda **_: Engine(self.registry, self._process.about_to, self._local))
        patch.setattr(git, "read", self._read)
        patch.setattr(git, "is_older", lambda found, than: int(found.commit, 16) < int(than, 16))
        patch.setattr(health, "ask", self._ask)
        patch.setattr(build_and_plan, "ThreadPoolExecutor", AtOnce)

    @cached_property
    def _local(self) -> dict[str, tuple[str, str]]:
        return {}

    @property
    def _process(self) -> Process:
        return cast(Process, self._here.process)

    def _read(self, path: Path) -> Source:
        number = self._process.commit
        return Source(path, f"{number:040x}", f"Change {number}")

    def _ask(self, url: str, status: int, text: ExpectedText, seconds: float, *_: object) -> str | None:
        served = self.fleet.service(urlsplit(url).netloc).good.revision
        if self.fleet.fate(served) == "errs":
            return f"answered 500, not {status}"
        return None if text.is_in(served.tag) else f"answered without {str(text)!r}: {served.tag!r}"


class AtOnce:
    """Does what it is given at once: the plan is made before the images, not meanwhile."""

    def __init__(self, max_workers: int) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except LongshoreError as error:
            future.set_exception(error)
        return future


def project(folder: Path) -> dict[str, Target]:
    """A project on disk, and its two environments."""
    (folder / "app").mkdir()
    (folder / "Dockerfile").touch()
    environments = {}
    for name in ENVIRONMENTS:
        (folder / f"{name}.tfvars").touch()
        environments[name] = {"account": ACCOUNT, "deadlines": DEADLINES, "lock": {"lease": LEASE}}
    application = {
        "region": REGION,
        "terraform": {"dir": "app", "var_files": ["{environment}.tfvars"], "foundation": None},
        "environments": environments,
    }
    settings = load({"applications": {APPLICATION: application}})
    return {name: select(settings, folder, APPLICATION, name) for name in ENVIRONMENTS}
