"""Webhooks: whether a push starts a build (AWS CodeBuild User Guide, "Filter GitHub webhook events")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.sandbox.codebuild.repositories import git

NONE = "0" * 40
"""The commit of a reference that does not exist."""

FILTERS = ("EVENT", "ACTOR_ACCOUNT_ID", "HEAD_REF", "BASE_REF", "FILE_PATH", "COMMIT_MESSAGE")
"""Types of filters; BASE_REF never matches a push, because only pull requests have one."""

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Push:
    """A push of one reference.

    Attributes:
        ref: the full reference, such as ``refs/heads/main``.
        old: the former commit; NONE for a new reference.
        new: the new commit.
        actor: account id of the user who pushed; in the sandbox, the user id of the system.
        message: the message of the new commit.
        files: the files that changed between the commits.
    """

    ref: str
    old: str
    new: str
    actor: str
    message: str
    files: tuple[str, ...]

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a build that this push starts."""
        kind, _, name = self.ref.removeprefix("refs/").partition("/")
        trigger = f"{'tag' if kind == 'tags' else 'branch'}/{name}"
        values = {"ACTOR_ACCOUNT_ID": self.actor, "EVENT": "PUSH", "HEAD_REF": self.ref, "TRIGGER": trigger}
        values |= {} if self.old == NONE else {"PREV_COMMIT": self.old}
        return {f"CODEBUILD_WEBHOOK_{name}": value for name, value in values.items()}


def read(repository: Path, document: Mapping[str, Any]) -> list[Push]:
    """The pushes that a repository's hook reports, without deletions."""
    pushes = []
    for update in document["updates"]:
        old, new = update["old"], update["new"]
        if new == NONE:
            continue
        message = git(repository, "log", "-1", "--format=%B", new).strip()
        span = ["--root", new] if old == NONE else [old, new]
        names = git(repository, "diff-tree", "--no-commit-id", "--name-only", "-r", "-z", *span)
        files = tuple(name for name in names.split("\0") if name)
        pushes.append(Push(update["ref"], old, new, str(document["actor"]), message, files))
    return pushes


def problem(groups: Sequence[Sequence[Filter]]) -> str:
    """The problem with filter groups; empty if they are valid."""
    for filter_ in (filter_ for group in groups for filter_ in group):
        if filter_.get("type") not in FILTERS:
            return f"Invalid webhook filter type: {filter_.get('type')}; the sandbox supports {', '.join(FILTERS)}"
        try:
            re.compile(filter_["pattern"])
        except re.error as error:
            return f"Invalid webhook filter pattern {filter_['pattern']}: {error}"
    if any(sum(filter_["type"] == "EVENT" for filter_ in group) != 1 for group in groups):
        return "Each webhook filter group must have one filter of type EVENT"
    return ""


def matches(webhook: Mapping[str, Any], push: Push) -> bool:
    """Whether a push starts a build: all filters of at least one group match."""
    if groups := webhook.get("filterGroups"):
        return any(all(_matches(filter_, push) for filter_ in group) for group in groups)
    branch = webhook.get("branchFilter")
    return not branch or bool(re.search(branch, push.ref.removeprefix("refs/heads/")))


def _matches(filter_: Filter, push: Push) -> bool:
    if filter_["type"] == "EVENT":
        return "PUSH" in [name.strip() for name in filter_["pattern"].split(",")]
    values: dict[str, Iterable[str]] = {
        "ACTOR_ACCOUNT_ID": [push.actor],
        "HEAD_REF": [push.ref],
        "BASE_REF": [],
        "FILE_PATH": push.files,
        "COMMIT_MESSAGE": [push.message],
    }
    matched = any(re.search(filter_["pattern"], value) for value in values[filter_["type"]])
    return matched != bool(filter_.get("excludeMatchedPattern"))
