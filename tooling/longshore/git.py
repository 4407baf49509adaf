"""The git repository that images are built from."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from longshore.errors import GitError

_FILES_NAMED = 10
_HOOK_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"}
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
        None if this clone does not have the other commit.
    """
    if source.commit == than:
        return False
    lookup = _run(source.root, "cat-file", "-e", f"{than}^{{commit}}")
    if lookup.returncode:
        return None
    return _run(source.root, "merge-base", "--is-ancestor", source.commit, than).returncode == 0


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


def _git(folder: Path, failed: str, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode:
        raise GitError(
            f"{failed}: {done.stderr.strip()}",
            "A release needs a git repository with a commit: git init, git add, git commit.",
        )
    return done.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Inside a hook, git names the hook's repository in the environment; here, the folder decides.
    environ = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    environ |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
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
