"""The git repository that images are built from."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from longshore.errors import GitError

_FILES_NAMED = 10
_KEPT = ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH")
"""The beginnings of git's variables that are passed on: those that find and trust a repository. The others would name
another repository, as inside a hook, or change what is read or printed.

https://git-scm.com/docs/git#_environment_variables
"""
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "i18n.logOutputEncoding=UTF-8")
"""Overrides settings of the machine: a monitor that has stopped would hide changes, other settings change texts."""
_NO_REMOTES = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
"""Reading never fetches, and never asks: a partial clone would fetch a missing commit. Versions before 2.45 do not know
GIT_NO_LAZY_FETCH, and fetch with the protocols that are allowed.

https://git-scm.com/docs/git#Documentation/git.txt-GITNOLAZYFETCH
"""
_URL_SCHEMES = {"http", "https", "ssh", "git"}


@dataclass(frozen=True)
class Source:
    """A commit, with the uncommitted changes of the working tree.

    Attributes:
        root: the top folder of the repository.
        commit: the full hash.
        subject: the first line of the commit message.
        changed: the uncommitted paths below ``root``.
        remote: the URL of origin without credentials, or None if origin is a path on this machine.
        author: the commit's, as ``name <e-mail>``.
    """

    root: Path
    commit: str
    subject: str
    changed: tuple[str, ...] = ()
    remote: str | None = None
    author: str = ""

    @property
    def dirty(self) -> bool:
        """Whether there are uncommitted changes."""
        return bool(self.changed)


def read(path: Path) -> Source:
    """Reads the repository of a path: the whole of it, not only the part below the path.

    Raises:
        GitError: no such folder, no repository, no commit, or no git.
    """
    if not path.is_dir():
        raise GitError(f"there is no folder {path}", "Fix the context of the image in invoke.yaml.")
    root = Path(_git(path, f"{path} is not in a git repository", "rev-parse", "--show-toplevel").removesuffix("\n"))
    commit = _git(root, f"the git repository {root} has no commit", "rev-parse", "--verify", "HEAD^{commit}").strip()
    failed = f"cannot read the git repository {root}"
    log = _git(root, failed, "log", "-1", "--no-show-signature", "--format=%s%x00%an <%ae>").strip()
    subject, _, author = map(_printable, log.partition("\0"))
    return Source(root, commit, subject, _changed(root, failed), _remote(root, failed), author)


def is_older(source: Source, than: str) -> bool | None:
    """Whether the commit is a strict ancestor of another commit.

    Args:
        source: the commit.
        than: the hash of the other commit.

    Returns:
        None if this clone does not have the other commit, or is shallow and does not have the history between them.
    """
    if source.commit == than:
        return False
    lookup = _run(source.root, "cat-file", "-e", f"{than}^{{commit}}")
    if lookup.returncode:
        return None
    if _is_ancestor(source.root, source.commit, than):
        return True
    shallow = _run(source.root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"
    return None if shallow and not _is_ancestor(source.root, than, source.commit) else False


def _is_ancestor(root: Path, older: str, newer: str) -> bool:
    return _run(root, "merge-base", "--is-ancestor", older, newer).returncode == 0


def is_pushed(source: Source) -> bool:
    """Whether a remote branch has the commit, as far as this clone knows; nothing is fetched."""
    refs = _run(source.root, "for-each-ref", "--contains", source.commit, "--count=1", "refs/remotes")
    return refs.returncode == 0 and bool(refs.stdout.strip())


def refuse_dirty(source: Source, hint: str = "") -> None:
    """Makes sure that there are no uncommitted changes.

    Args:
        source: the commit.
        hint: replaces the usual hint.

    Raises:
        GitError: there are some; the message names the first files.
    """
    if not source.dirty:
        return
    lines = [f"  {_printable(name)}" for name in source.changed[:_FILES_NAMED]]
    if len(source.changed) > _FILES_NAMED:
        lines.append(f"  and {len(source.changed) - _FILES_NAMED} more")
    raise GitError(
        f"{source.root} has uncommitted changes:\n" + "\n".join(lines),
        hint or "Commit or stash them, or release them with --allow-dirty.",
    )


def without_credentials(url: str) -> str | None:
    """A remote's URL in a form that may be published, or None if it is a path on this machine.

    Args:
        url: in a form of git: with a scheme, or ``user@host:path``.
    """
    parts = urlsplit(url)
    if parts.scheme in _URL_SCHEMES:
        user, at, host = parts.netloc.rpartition("@")
        # The user in an ssh URL is an account such as git; in a web URL, it may be a token.
        kept = f"{user.partition(':')[0]}{at}" if parts.scheme == "ssh" else ""
        return urlunsplit((parts.scheme, f"{kept}{host}", parts.path, "", ""))
    host, colon, _ = url.partition(":")
    return url if colon and "/" not in host and "://" not in url else None


def _changed(root: Path, failed: str) -> tuple[str, ...]:
    # Untracked files inside a submodule do not concern this repository; other changes there do.
    status = [
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=normal",
        "--ignore-submodules=untracked",
    ]
    return tuple(entry[3:] for entry in _git(root, failed, *status).split("\0") if entry)


def _remote(root: Path, failed: str) -> str | None:
    names = _git(root, failed, "remote").split()
    if not names:
        return None
    name = "origin" if "origin" in names else names[0]
    return without_credentials(_git(root, failed, "remote", "get-url", name).strip())


def matching(root: Path, patterns: Path) -> set[Path]:
    """The files of a repository, tracked or not, that match a file of patterns in the syntax of .gitignore.

    Raises:
        GitError: no repository, or no git.
    """
    failed = f"cannot list the files that {patterns} names"
    arguments = ("ls-files", "-z", "--cached", "--others", "--ignored", f"--exclude-from={patterns}")
    return {root / name for name in _git(root, failed, *arguments).split("\0") if name}


def untracked(folder: Path, names: Sequence[str]) -> list[str]:
    """The names of files in a folder that are in no commit; none if git has no file of the folder."""
    if not names or not _run(folder, "ls-files", "--", ".").stdout:
        return []
    others = _run(folder, "--literal-pathspecs", "ls-files", "-z", "--others", "--", *names)
    return [name for name in others.stdout.split("\0") if name]


def _git(folder: Path, failed: str, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode:
        raise GitError(f"{failed}: {done.stderr.strip()}", _hint(done.stderr))
    return done.stdout


def _hint(errors: str) -> str:
    # git's own text, which names the folder as it must be written: https://git-scm.com/docs/git-config (safe.directory)
    if trust := re.search(r"git config --global --add safe\.directory .+", errors):
        return f"The folder belongs to another user. If you trust it, run: {trust[0]}"
    return "A release needs a git repository with a commit: git init, git add, git commit."


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    environ |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **_NO_REMOTES}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *_SETTINGS, *arguments],
            capture_output=True,
            env=environ,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise GitError(f"cannot run git: {error.strerror}", "Install git.") from error


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
