"""Shared by the steps of the setup: progress lines, running a program, installing a Debian package."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
WORK = PROJECT / ".longshore"


class MissingError(Exception):
    """A part that only the user can provide; the message names it and explains how."""


def say(text: str) -> None:
    """Print one line of progress on stderr."""
    sys.stderr.write(f"setup: {text}\n")
    sys.stderr.flush()


def run(*command: str, timeout: float = 30, data: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program without a terminal and return its exit code and output.

    Args:
        command: the program and its arguments.
        timeout: seconds after which the program is killed and counts as failed.
        data: its standard input; empty by default.
    """
    try:
        done = subprocess.run(
            command, input=data if data is not None else b"", capture_output=True, timeout=timeout, check=False
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: not found")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"{command[0]}: no response within {timeout:.0f} s")
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def installs() -> bool:
    """Whether packages can be installed here: on Debian (or a derivative), as root."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


@functools.cache
def _refresh() -> None:
    say("apt-get update")
    run("apt-get", "update", "-q", timeout=300)


def install(package: str) -> bool:
    """Install a Debian package; False if that is not possible here, or if apt failed (its last lines are shown)."""
    if not installs():
        return False
    _refresh()
    say(f"apt-get install {package}")
    env = ("env", "DEBIAN_FRONTEND=noninteractive")
    done = run(*env, "apt-get", "install", "-q", "-y", "--no-install-recommends", package, timeout=900)
    if done.returncode:
        say("\n".join(done.stderr.strip().splitlines()[-3:]))
    return done.returncode == 0
