"""A team's project in a folder of its own, driven by the command line alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.request import urlopen

import boto3

from longshore.environment.access import sandbox_directory
from longshore.sandbox import control
from longshore.sandbox.state import State, load
from tests.paths import ROOT

INVOKE = [sys.executable, "-m", "invoke"]
ACCOUNT = "123456789012"


def invoke_yaml(*environments: str, **settings: Any) -> str:
    """invoke.yaml, as JSON, with the application storefront in the sandbox.

    Args:
        environments: the names of its environments; ``sandbox`` if none is given.
        settings: of each environment, besides its endpoint and its account.
    """
    environment = {"endpoint": "sandbox", "account": ACCOUNT, **settings}
    storefront = {
        "region": "eu-central-1",
        "images": {"app": {"context": "storefront"}},
        "environments": dict.fromkeys(environments or ("sandbox",), environment),
    }
    return json.dumps({"longshore": {"applications": {"storefront": storefront}}}, indent=2)


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """The folder, with tasks.py, invoke.yaml, Terraform and variable files."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def invoke(self, *arguments: str, expect: int | None = 0, **environ: str) -> Answer:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "INVOKE_"))}
        done = subprocess.run(
            [*INVOKE, *arguments],
            cwd=self.folder,
            env=kept | {"PYTHONWARNINGS": "default"} | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if expect is not None:
            assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Answer(done.returncode, done.stdout, done.stderr)

    def commit(self, folder: str, message: str) -> str:
        """Commits everything below a folder, which is a git repository of its own; returns the commit."""
        path = self.folder / folder
        if not (path / ".git").exists():
            self._git(path, "init", "-q")
        self._git(path, "add", "-A")
        self._git(path, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-qm", message)
        return self._git(path, "rev-parse", "HEAD").strip()

    def sandbox(self) -> dict[str, Any]:
        return dict(self.invoke("sandbox.status", "--json").json())

    def url(self, service: str) -> str:
        return next(str(s["url"]) for s in self.sandbox()["services"] if s["service"] == service)

    def state(self) -> State:
        """How the sandbox is reached, by its state file: to ask a task takes a second, and events don't wait."""
        found = load(sandbox_directory(self.folder))
        assert found, "no sandbox runs"
        return found

    def variables(self) -> dict[str, str]:
        """This process's variables, and those that lead to the sandbox and to Terraform's provider."""
        config = self.folder / ".longshore" / "terraform.rc"
        rc = {"TF_CLI_CONFIG_FILE": str(config)} if config.exists() else {}
        return os.environ | self.state().environment() | rc

    def client(self, name: str) -> Any:
        environment = self.state().environment()
        return boto3.client(  # type: ignore[call-overload]
            name,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_DEFAULT_REGION"],
        )

    def requests(self, since: int = 0) -> tuple[int, list[dict[str, Any]]]:
        """The sandbox's request log from a number on, and the number to go on from."""
        document = control.calls(self.state(), since)
        return document["next"], document["requests"]

    def terraform_plan(self, stack: str, data: str, var_file: str) -> int:
        """`terraform plan -detailed-exitcode` by hand, with no tag: 0 nothing, 2 changes."""
        done = subprocess.run(
            [
                "terraform",
                "plan",
                "-detailed-exitcode",
                "-input=false",
                "-no-color",
                f"-var-file={self.folder / var_file}",
            ],
            cwd=self.folder / stack,
            env=self.variables() | {"TF_DATA_DIR": str(self.folder / ".longshore" / data)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 2), done.stdout + done.stderr
        return done.returncode

    @staticmethod
    def _git(folder: Path, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@dataclass
class Visitor:
    """Asks a URL all the time, bounded in rate and time, and counts what failed."""

    url: str
    asked: int = 0
    failed: list[str] = field(default_factory=list)
    stop: Event = field(default_factory=Event)
    seconds: float = 300

    def __enter__(self) -> Visitor:
        self.thread = Thread(target=self._ask)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _ask(self) -> None:
        until = time.monotonic() + self.seconds
        while not self.stop.is_set() and time.monotonic() < until:
            self.asked += 1
            try:
                with urlopen(self.url, timeout=10) as answer:
                    answer.read()
            except OSError as error:
                self.failed.append(str(error))
            self.stop.wait(0.03)


def whole(folder: Path) -> Project:
    """A copy of this repository, as a team takes one: what git would put into a commit, and nothing else."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    _own_terraform(folder)
    return Project(folder)


def make(folder: Path) -> Project:
    """A project with Longshore's own Terraform, and the example application in a repository of its own."""
    project = Project(folder)
    for name in ("terraform", "environments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform", "*.tftest.hcl"))
    shutil.copytree(ROOT / "examples" / "storefront", folder / "storefront")
    _own_terraform(folder)
    project.write("tasks.py", '"""The release tasks."""\nfrom longshore.tasks import namespace\n')
    return project


def _own_terraform(folder: Path) -> None:
    """Where Terraform finds its provider, as `make setup` has found it."""
    (folder / ".longshore").mkdir()
    (folder / ".longshore" / ".gitignore").write_text("*\n")
    if (ROOT / ".longshore" / "terraform.rc").exists():
        shutil.copy(ROOT / ".longshore" / "terraform.rc", folder / ".longshore")
