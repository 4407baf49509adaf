"""The source that images are built from: the git repository that holds their context."""

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
    """A commit, and what the working tree has beyond it.

    ``root`` is the top of the repository, ``commit`` its full hash, ``changed`` the paths below ``root`` that are not
    committed, ``remote`` the URL of origin without credentials, or None where there is no URL, ``author`` the commit's
    as ``name <e-mail>``.
    """

    root: Path
    commit: str
    subject: str
    changed: tuple[str, ...] = ()
    remote: str | None = None
    author: str = ""

    @property
    def dirty(self) -> bool:
        """Whether the tree differs from the commit."""
        return bool(self.changed)


def read(path: Path) -> Source:
    """The repository that holds a path; the whole of its tree counts, not only what is below the path.

    Raises:
        GitError: no such folder, no repository, no commit, or no git.
    """
    if not path.is_dir():
        raise GitError(f"there is no folder {path}", "Look at images.….context in invoke.yaml.")
    root = Path(_git(path, f"{path} is not in a git repository", "rev-parse", "--show-toplevel").removesuffix("\n"))
    commit = _git(root, f"the git repository {root} has no commit", "rev-parse", "--verify", "HEAD^{commit}").strip()
    failed = f"the git repository {root} can't be read"
    said = _git(root, failed, "log", "-1", "--no-show-signature", "--format=%s%x00%an <%ae>").strip()
    subject, _, author = map(_printable, said.partition("\0"))
    return Source(root, commit, subject, _changed(root, failed), _remote(root, failed), author)


def is_older(source: Source, than: str) -> bool | None:
    """Whether the commit is an ancestor of another one, and not that one itself.

    Args:
        source: the commit.
        than: the other one's hash.

    Returns:
        None where this clone does not know the other one.
    """
    if source.commit == than:
        return False
    known = _run(source.root, "cat-file", "-e", f"{than}^{{commit}}")
    if known.returncode:
        return None
    return _run(source.root, "merge-base", "--is-ancestor", source.commit, than).returncode == 0


def is_pushed(source: Source) -> bool:
    """Whether a remote has the commit, as far as this clone knows: nothing is fetched."""
    found = _run(source.root, "for-each-ref", "--contains", source.commit, "--count=1", "refs/remotes")
    return found.returncode == 0 and bool(found.stdout.strip())


def refuse_dirty(source: Source, hint: str = "") -> None:
    """Makes sure that the tree is the commit.

    Args:
        source: the commit.
        hint: what to do instead, if not the usual.

    Raises:
        GitError: it is not; the message names the first files.
    """
    if not source.dirty:
        return
    lines = [f"  {_printable(name)}" for name in source.changed[:_FILES_NAMED]]
    if len(source.changed) > _FILES_NAMED:
        lines.append(f"  and {len(source.changed) - _FILES_NAMED} more")
    raise GitError(
        f"{source.root} has changes that are not committed:\n" + "\n".join(lines),
        hint or "Commit or stash them, or release them as they are with --allow-dirty.",
    )


def without_credentials(url: str) -> str | None:
    """A remote's URL as it may be published, or None if it is a path on this machine.

    Args:
        url: as git has it: with a scheme, or ``user@host:path``.
    """
    parts = urlsplit(url)
    if parts.scheme in _URL_SCHEMES:
        user, at, host = parts.netloc.rpartition("@")
        # The name in an ssh URL is an account such as git; in a web URL it may be a token.
        kept = f"{user.partition(':')[0]}{at}" if parts.scheme == "ssh" else ""
        return urlunsplit((parts.scheme, f"{kept}{host}", parts.path, "", ""))
    host, colon, _ = url.partition(":")
    return url if colon and "/" not in host and "://" not in url else None


def _changed(root: Path, failed: str) -> tuple[str, ...]:
    # What is merely untracked inside a submodule is no business of this repository; other changes there are.
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
    """The files of a repository, tracked or not, that a file names with patterns as a .gitignore has them.

    Raises:
        GitError: no repository, or no git.
    """
    failed = f"what {patterns} names can't be looked up"
    wanted = ("ls-files", "-z", "--cached", "--others", "--ignored", f"--exclude-from={patterns}")
    return {root / name for name in _git(root, failed, *wanted).split("\0") if name}


def _git(folder: Path, failed: str, *arguments: str) -> str:
    done = _run(folder, *arguments)
    if done.returncode:
        raise GitError(f"{failed}: {done.stderr.strip()}", "A release is made from a commit: git init, add and commit.")
    return done.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Inside a hook git names the hook's repository in its environment; the folder decides here.
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
        raise GitError(f"git can't be run: {error.strerror}", "Install git.") from error


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
