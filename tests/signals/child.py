"""A command of Longshore in a process that a test sends signals to: real signals, a fake terraform, a ledger in a file.

python -m tests.signals.child COMMAND FOLDER
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from invoke.exceptions import Exit

from longshore.aws.ecr import Tagged
from longshore.aws.ecs_types import Service, Task
from longshore.clock import Clock
from longshore.commands.bootstrap import bootstrap
from longshore.commands.destroy import destroy
from longshore.commands.drift import drift
from longshore.commands.lock import free
from longshore.commands.plan import plan
from longshore.commands.promote import promote
from longshore.commands.prune import prune
from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.ledger.releases import Ledger
from longshore.masking import Masks
from longshore.result import ImageResult
from longshore.run.options import ReleaseOptions
from longshore.signals import WATCHED
from longshore.tasks.exits import exits
from longshore.terminal.console import Console
from longshore.terraform.local import Terraform
from longshore.verdict import Verdict
from tests.fakes.environments import ACCOUNT, SHOP, Identity, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import deployment, release_output, result, service

LEASE = 0.6
"""Seconds, so that a test need not wait for long until a killed holder is gone."""

SETTINGS = SHOP | {
    "terraform": {"dir": "root", "var_files": ["test.tfvars"], "foundation": {"dir": "foundation", "var_files": []}},
    "environments": {
        "test": {"account": ACCOUNT, "backend": {"bucket": "state"}},
        "staging": {"account": ACCOUNT, "endpoint": "https://elsewhere.example.com"},  # `prune` of `test` skips it
    },
}


class FileTable(MemoryTable):
    """A table that outlives the process: each write is in the file before it returns."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        if file.exists():
            self.items = {tuple(key): item for key, item in json.loads(file.read_text())}

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **conditions: Any) -> bool:
        done = super().put(pk, sk, item, **conditions)
        copy = self.file.with_suffix(f".{time.monotonic_ns()}")
        copy.write_text(json.dumps(list(self.items.items())))
        copy.replace(self.file)
        return done


@dataclass
class Ecr:
    """A registry of ten images. If the test wants to stop `prune` there, it announces itself and takes its time."""

    folder: Path

    def images(self, name: str) -> Iterator[Tagged]:
        return (Tagged(f"sha256:{number}", f"v1.0.{number}") for number in range(10))

    def digest(self, name: str, tag: str) -> None:
        """No image of a version is there, so a promotion ends at its checks."""

    def remove_tags(self, name: str, tags: Sequence[str]) -> dict[str, str]:
        if (self.folder / "slow-registry").exists():
            (self.folder / "slow-registry").unlink()
            (self.folder / "bin" / "ready").write_text("0")
            time.sleep(10)
        (self.folder / "removed").write_text(" ".join(tags))
        return {}


@dataclass
class Ecs:
    """Two services whose tasks run the tenth image."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        running = service(deployment("now", "COMPLETED", revision=2))
        return {name: replace(running, name=name) for name in names}

    def tasks(self, cluster: str, name: str) -> list[Task]:
        return []

    def task_definition(self, name: str) -> dict[str, Any]:
        return {"containerDefinitions": [{"name": "web", "image": "registry/shop/app:v1.0.9", "environment": []}]}


def env_of(folder: Path, name: str) -> Environment:
    """An environment whose ledger is a file, and whose terraform is the program in ``bin``."""
    console = Console(sys.stdout, sys.stderr, io.StringIO(), interactive=False, masks=Masks())
    output = release_output() | {"environment": name}
    (folder / "bin" / "outputs").write_text(json.dumps({"release": {"value": output}}))

    def terraform_of(stack: Stack) -> Terraform:
        return Terraform(stack, str(folder / "bin" / "terraform"), dict(os.environ), say=console.say)

    return environment(
        folder,
        name,
        settings=SETTINGS,
        console=console,
        ledger=Ledger(FileTable(folder / "ledger.json"), name, Masks(), Clock(), LEASE),
        terraform_of=terraform_of,
        sibling=lambda other: env_of(folder, other),
        aws=SimpleNamespace(
            identity=Identity(),
            buckets=SimpleNamespace(
                region_of=lambda _bucket, _owner: "eu-central-1",
                differences=lambda _bucket: [],
                read=lambda _bucket, _key: None,
            ),
            ecr=Ecr(folder),
            ecs=Ecs(),
            events=SimpleNamespace(),
            parameters=SimpleNamespace(get=lambda _name: "v1.0.9"),
        ),
    )


def record_releases(env: Environment) -> None:
    """Ten versions were released, the last two of which stay."""
    for number in range(1, 10):
        image = ImageResult(repository="shop/app", tag=f"v1.0.{number}", digest=f"sha256:{number}")
        entry = {"release": f"{env.target.environment}-{number:06d}", "sequence": number, "version": f"v1.0.{number}"}
        entry |= {"environment": env.target.environment, "verdict": Verdict.SUCCEEDED, "images": {"app": image}}
        env.ledger.begin(result(**entry))


COMMANDS: dict[str, Callable[[Environment], object]] = {
    "bootstrap": lambda env: bootstrap(env, yes=True),
    "destroy": lambda env: destroy(env, confirmed="test"),
    "drift": drift,
    "free": lambda env: free(env, lock.id if (lock := env.ledger.locks.read()) else "0-none"),
    "plan": lambda env: plan(env, None),
    "promote": lambda env: promote(env.sibling("staging"), env, ReleaseOptions.of(task="promote", yes=True)),
    "prune": lambda env: prune(env, keep=2, dry_run=False, yes=True),
}


def main() -> None:
    """Runs the command, and ends with its exit code."""
    command, folder = sys.argv[1], Path(sys.argv[2])
    for number in WATCHED:  # a test run in the background may have inherited an ignored SIGINT or SIGHUP
        signal.signal(number, signal.SIG_DFL)
    try:
        with exits(as_json=True):
            env = env_of(folder, "test")
            COMMANDS[command](env)
    except Exit as end:
        sys.exit(end.code)


if __name__ == "__main__":
    main()
