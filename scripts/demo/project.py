"""What the demo does from outside, as a user would: `invoke`, git, and HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parents[2]
TREE = PROJECT / ".longshore" / "demo" / "storefront"

# Invoke's way to override a key of invoke.yaml: the demo releases its own tree, not yours.
CONTEXT = {
    "INVOKE_LONGSHORE_APPLICATIONS_STOREFRONT_IMAGES_APP_CONTEXT": str(TREE.relative_to(PROJECT)),
}
IDENTITY = ["-c", "user.name=Demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false"]


class DemoError(Exception):
    """Something that the demo promised did not happen."""


def expect(truth: object, claim: str) -> None:
    """Hold the demo to what it says.

    Raises:
        DemoError: the claim does not hold.
    """
    if not truth:
        raise DemoError(f"this does not hold: {claim}")


def say(text: str = "") -> None:
    """Print a line at once, so that it keeps its place among the lines of the commands."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def invoke(*arguments: str, code: int = 0) -> str:
    """Run an Invoke task as a user would, its progress on the terminal; return what it says on stdout.

    Args:
        arguments: the task and its flags.
        code: the exit code that it must end with.

    Raises:
        DemoError: it ended with another exit code.
    """
    say(f"$ invoke {' '.join(arguments)}")
    done = subprocess.run(
        [PROJECT / ".venv/bin/invoke", *arguments],
        cwd=PROJECT,
        env=os.environ | CONTEXT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != code:
        raise DemoError(f"invoke {' '.join(arguments)} ended with {done.returncode}, not {code}")
    return done.stdout


def release(code: int = 0) -> dict[str, Any]:
    """Release what was committed last, and return the JSON document of the release; it must end with this code."""
    return dict(json.loads(invoke("release", "--yes", "--json", code=code)))


def sandbox() -> dict[str, Any]:
    """Where the sandbox answers, and what runs in it."""
    return dict(json.loads(invoke("sandbox.status", "--json")))


def fresh_tree() -> None:
    """Copy the example into a git repository of its own, so that the demo can commit to it."""
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(PROJECT / "examples" / "storefront", TREE)
    _git("init", "-q")
    commit("The storefront")


def commit(subject: str) -> None:
    """Commit everything in the demo's tree."""
    _git("add", "-A")
    _git(*IDENTITY, "commit", "-q", "-m", subject)


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=TREE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"git {arguments[-1]}: {done.stderr.strip()}")


def page(url: str) -> str:
    """The page that a visitor sees."""
    with urlopen(url, timeout=10) as answer:  # noqa: S310 - the sandbox's own front door
        return str(answer.read().decode())
