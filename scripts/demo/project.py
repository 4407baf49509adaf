"""The tools of the demo, which are those of a user: `invoke`, git and HTTP."""

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
    """A check of the demo failed."""


def expect(truth: object, claim: str) -> None:
    """Check a claim of the demo.

    Raises:
        DemoError: the claim does not hold.
    """
    if not truth:
        raise DemoError(f"expected that {claim}")


def say(text: str = "") -> None:
    """Print a line immediately, so that it keeps its place among the lines of the commands."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def invoke(*arguments: str, code: int = 0) -> str:
    """Run an Invoke task as a user would, with its progress on the terminal, and return its stdout.

    Args:
        arguments: the task and its flags.
        code: the expected exit code.

    Raises:
        DemoError: it ended with a different exit code.
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
    """Release the last commit and return the JSON document of the release; the exit code must be this one."""
    return dict(json.loads(invoke("release", "--yes", "--json", code=code)))


def sandbox() -> dict[str, Any]:
    """The endpoint of the sandbox, its services and its builds."""
    return dict(json.loads(invoke("sandbox.status", "--json")))


def fresh_tree() -> None:
    """Copy the example into a separate git repository, so that the demo can commit to it."""
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
    with urlopen(url, timeout=10) as response:  # noqa: S310 - the URL is the sandbox's load balancer
        return str(response.read().decode())
