"""Bare git repositories on disk that replace those on GitHub, Bitbucket, GitLab and CodeCommit."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from longshore.sandbox.codebuild import post_receive

GIT_TYPES = ("GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "CODECOMMIT", "GITLAB", "GITLAB_SELF_MANAGED")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class GitError(Exception):
    """Git failed; the message is the last line of its error."""


def repository_name(source: Mapping[str, str]) -> str | None:
    """The name of the local repository for a project's source; None if the source is not a repository.

    It is the last part of the location, without a trailing ``.git``.

    Raises:
        ValueError: the location does not end in a valid name.
    """
    if source.get("type") not in GIT_TYPES:
        return None
    location = source.get("location", "")
    name = urlsplit(location).path.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{location!r} does not end in the name of a repository")
    return name


class Repositories:
    """The repositories of a sandbox.

    Args:
        folder: the folder of all repositories.
        state_file: the sandbox's state file, which tells the hooks where to report pushes.
    """

    def __init__(self, folder: Path, state_file: Path) -> None:
        self._folder = folder
        self._state_file = state_file

    def path(self, name: str) -> Path:
        """The path of a repository, which need not exist."""
        return self._folder / f"{name}.git"

    def names(self) -> list[str]:
        """The names of all repositories."""
        return sorted(path.stem for path in self._folder.glob("*.git"))

    def make(self, name: str) -> Path:
        """Create a repository, empty and with HEAD at ``main``, unless it exists; return its path.

        Raises:
            ValueError: the name is not valid.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a repository name: use letters, digits, dots, hyphens and underscores")
        path = self.path(name)
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            git(self._folder, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(path))
            self._hook(path, name)
        return path

    def _hook(self, path: Path, name: str) -> None:
        command = [sys.executable, "-I", post_receive.__file__, str(self._state_file), name]
        hook = path / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n", encoding="utf-8")
        hook.chmod(0o755)


def git(folder: Path, *arguments: str) -> str:
    """Run git, and return its output.

    Raises:
        GitError: it failed.
    """
    # a hook's GIT_DIR, and the user's aliases and templates, must have no effect
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise GitError((done.stderr.strip().splitlines() or ["git failed"])[-1])
    return done.stdout
