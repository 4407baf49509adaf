"""Checks of the commit and the images of a release."""

from __future__ import annotations

from longshore import git
from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.git import Source
from longshore.images import images
from longshore.run.options import ReleaseOptions
from longshore.verdict import Verdict

_BAD_VERSION = (Verdict.ROLLED_BACK, Verdict.ROLLBACK_FAILED)


def require_images(env: Environment, tag: str) -> str:
    """The tag, if every repository has it.

    Raises:
        UsageError: names the repositories that do not have it.
    """
    missing = [repository for repository, digest in images.digests(env, tag).items() if digest is None]
    if missing:
        raise UsageError(f"tag {tag} does not exist in {', '.join(missing)}", "See the tags with: invoke history")
    return tag


def refuse_failed_version(env: Environment, tag: str, *, allowed: bool) -> str:
    """A sentence on the last release of a version that ran it; a declined release, for example, does not count.

    Raises:
        UsageError: that release was rolled back, and --allow-failed-version was not given.
    """
    conclusive = (Verdict.SUCCEEDED, *_BAD_VERSION)
    releases = (r for r in env.ledger.of_version(tag) if r.judges_version)
    last = next((r for r in releases if r.verdict in conclusive), None)
    if last is None or last.verdict is Verdict.SUCCEEDED:
        return f"{tag} {'has succeeded before' if last else 'has never been rolled back'}"
    reason = last.message.partition("\n")[0] or "no reason was recorded"
    failure = f"{tag} has failed before: {last.release} {last.verdict.value} ({reason})"
    if not allowed:
        raise UsageError(failure, "If the version was not the cause, add --allow-failed-version.")
    return failure


def check_source(env: Environment, options: ReleaseOptions, on: str) -> str:
    """A sentence on the commit to build.

    Raises:
        GitError: the tree has uncommitted changes, and they are not allowed; or CodeBuild cannot fetch the commit.
        UsageError: it is older than the running one, and --allow-older was not given.
    """
    source = images.committed(env, on, allow_dirty=options.allow_dirty)
    dirty = ", with uncommitted changes (--allow-dirty)" if source.dirty else ""
    return f"{source.commit[:12]}{dirty} {source.subject}{refuse_older(env, options, source)}"


def refuse_older(env: Environment, options: ReleaseOptions, source: Source | None) -> str:
    """Refuses a commit that is an ancestor of the running one: releasing it would undo the commits since.

    Checked before the lock is taken, and again once it is held: another release may have come first.

    Returns:
        A remark for the operator; empty if there is none.

    Raises:
        UsageError: it is older, and --allow-older was not given.
    """
    last = env.ledger.last_good()
    if source is None or last is None or last.commit is None:
        return ""
    older = git.is_older(source, last.commit)
    if older is None:
        running = f"the running commit {last.commit[:12]}"
        return f" (this clone does not have the history of {running}: cannot tell whether this is older)"
    if older and not options.allow_older:
        raise UsageError(
            f"{source.commit[:12]} is an ancestor of the running commit {last.commit[:12]} ({last.version})",
            "To roll back: invoke rollback. To release the older commit all the same: --allow-older.",
        )
    return f" (older than {last.version}, allowed by --allow-older)" if older else ""
