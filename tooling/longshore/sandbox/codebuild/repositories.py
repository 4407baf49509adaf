"""Bare git repositories on disk that stand for GitHub, Bitbucket, GitLab and CodeCommit."""

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
    """Git refused; the message is its last line."""


def repository_name(source: Mapping[str, str]) -> str | None:
    """The name of the repository that stands for a project's source; None where the source is no repository.

    It is the last part of the location, without a trailing ``.git``.

    Raises:
        ValueError: the location ends in nothing that a folder can be called.
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
        folder: where they lie.
        endpoint: URL of the sandbox, which their hooks tell of each push.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._folder = folder
        self._endpoint = endpoint

    def path(self, name: str) -> Path:
        """Where a repository lies, whether it was made or not."""
        return self._folder / f"{name}.git"

    def names(self) -> list[str]:
        """The repositories that were made."""
        return sorted(path.stem for path in self._folder.glob("*.git"))

    def make(self, name: str) -> Path:
        """Make a repository, empty and with HEAD at ``main``, or find it.

        Raises:
            ValueError: no folder can be called so.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a repository: letters, digits, dots, hyphens and underscores")
        path = self.path(name)
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            git(self._folder, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(path))
            self._hook(path, name)
        return path

    def _hook(self, path: Path, name: str) -> None:
        command = [sys.executable, "-I", post_receive.__file__, self._endpoint, name]
        hook = path / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n")
        hook.chmod(0o755)


def git(folder: Path, *arguments: str) -> str:
    """Run git; what it wrote.

    Raises:
        GitError: it failed.
    """
    # a hook's GIT_DIR, and a user's aliases and templates, are none of ours
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environ, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise GitError((done.stderr.strip().splitlines() or ["git failed"])[-1])
    return done.stdout
