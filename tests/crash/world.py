"""A process that ends at a given write to its ledger, on the scripted stage, and the world that it leaves behind.

Every side effect stands between two writes, its intent and its outcome. So the end just before each write and just
after it is the end before every step, after its effect, and after its record.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from longshore.errors import LongshoreError
from longshore.images import docker
from longshore.images.docker import LocalImage
from longshore.ledger.releases import Ledger
from longshore.ledger.table import Table as AnyTable
from longshore.result import ReleaseResult
from tests.scenarios import shop
from tests.scenarios.play import StagedEnvironment, record_releases, staged
from tests.scenarios.scenario import Scenario
from tests.scenarios.stage import Stage, Theatre, put_image

Command = Callable[["Mortal"], ReleaseResult]

WAIT = 60.0
"""Real seconds after which a command that neither ended nor died is a failure of the test."""


@dataclass(frozen=True)
class Point:
    """A write to the ledger, and whether the process ends just before it or just after."""

    write: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} write {self.write}"


@dataclass
class MortalTable:
    """The ledger's table for a process that ends at a point; then nothing of it goes on, not even its signs of life.

    Attributes:
        table: the real one.
        point: where it ends; None for never.
        writes: what was written, one short text for each.
        died: set when it has ended.
    """

    table: AnyTable
    point: Point | None = None
    writes: list[str] = field(default_factory=list)
    died: threading.Event = field(default_factory=threading.Event)

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        self._live()
        return self.table.get(pk, sk)

    def query(self, pk: str, prefix: str = "", **how: Any) -> Iterator[dict[str, Any]]:
        self._live()
        return self.table.query(pk, prefix, **how)

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **conditions: Any) -> bool:
        self._live()
        self.writes.append(said(pk, item))
        here = self.point is not None and len(self.writes) == self.point.write
        if here and self.point and not self.point.after:
            self._die()
        done = self.table.put(pk, sk, item, **conditions)
        if here:
            self._die()
        return done

    def _live(self) -> None:
        if self.died.is_set():
            self._die()

    def _die(self) -> None:
        self.died.set()
        threading.Event().wait()  # for ever: no `finally` runs in a process that was killed


def said(pk: str, item: Mapping[str, Any]) -> str:
    """What a write is about."""
    kind = pk.partition("#")[0]
    if kind == "event":
        return f"{item['kind']}: {item['what']}"
    if kind == "lock":
        return f"lock: {item['step'] or 'taken'}" if item["owner"] else "lock: given back"
    if kind == "release":
        return f"entry: {item['verdict']}"
    return kind


@dataclass(frozen=True)
class Mortal(StagedEnvironment):
    """The environment of one process on the stage."""

    point: Point | None = None

    @cached_property
    def table(self) -> MortalTable:
        """The ledger's table, as this process sees it."""
        return MortalTable(self.aws.table(shop.TABLE), self.point)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.table, shop.ENVIRONMENT, self.console.masks, self.clock, 60)


@dataclass
class World:
    """A stage, and the processes that were on it one after the other."""

    stage: Stage
    engine: Engine

    def process(self, point: Point | None = None) -> Mortal:
        """A process, which ends at a point."""
        env = staged(self.stage)
        return Mortal(env.target, env.console, env.clock, env.interrupts, stage=self.stage, point=point)

    def run(self, env: Mortal, command: Command) -> ReleaseResult | LongshoreError | None:
        """Runs a command in a process of its own; None if it died."""
        ended: queue.Queue[ReleaseResult | BaseException] = queue.Queue()

        def body() -> None:
            try:
                ended.put(command(env))
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
                ended.put(error)

        threading.Thread(target=body, daemon=True).start()
        for _ in range(int(WAIT / 0.02)):
            if env.table.died.is_set():
                return None
            try:
                found = ended.get(timeout=0.02)
            except queue.Empty:
                continue
            if isinstance(found, ReleaseResult | LongshoreError):
                return found
            raise found
        raise TimeoutError(f"still runs; last: {env.table.writes[-3:]}")


@dataclass
class Engine:
    """Stands in for Docker: an image is a manifest with a number of its own; a push is ECR's PutImage.

    Attributes:
        ecr: a boto3 client.
        on_push: told of each image that was pushed: reference and digest.
        builds: the references that were built.
        pushed: those that were pushed.
        local: the image of each reference.
    """

    ecr: Any
    on_push: Callable[[str, str], None]
    builds: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    local: dict[str, str] = field(default_factory=dict)

    def check(self) -> str:
        return "20.10"

    def build(self, arguments: list[str], on_line: object = None, environ: object = None) -> None:
        reference = arguments[arguments.index("--tag") + 1]
        self.builds.append(reference)
        self.local[reference] = f"build-{len(self.builds)}"

    def inspect(self, reference: str) -> LocalImage:
        return LocalImage(id=f"sha256:{self.local[reference]}", platform="linux/amd64", digests=())

    def push(self, reference: str, credentials: object, on_line: object = None) -> str:
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"digest": f"sha256:{self.local[reference]}"},
        })  # fmt: skip
        repository, _, tag = reference.rpartition("/storefront/")[2].rpartition(":")
        put = put_image(self.ecr, f"storefront/{repository}", manifest, tag)
        self.pushed.append(reference)
        self.on_push(reference, put["image"]["imageId"]["imageDigest"])
        return str(put["image"]["imageId"]["imageDigest"])


@contextmanager
def world(theatre: Theatre, scenario: Scenario, folder: Path) -> Iterator[World]:
    """A world in which the releases before have been made and recorded, and a commit is there to be released."""
    with theatre.stage(scenario, folder) as stage, pytest.MonkeyPatch.context() as patch:
        engine = Engine(stage.client("ecr"), stage.take_in)
        patch.setattr(docker, "Docker", lambda **_: engine)
        made = World(stage, engine)
        env = made.process()
        record_releases(env)
        _commit(folder)
        with stage.command():
            yield made


def _commit(folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".gitignore").write_text(".longshore\n")
    git = ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["-c", "commit.gpgsign=false", "commit", "-q", "-m", "A change"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
