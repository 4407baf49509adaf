"""Webhooks: which push starts a build ("Filter GitHub webhook events", AWS CodeBuild User Guide)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.sandbox.codebuild.repositories import git

NONE = "0" * 40
"""The commit of a reference that is not there."""

FILTERS = ("EVENT", "ACTOR_ACCOUNT_ID", "HEAD_REF", "BASE_REF", "FILE_PATH", "COMMIT_MESSAGE")
"""Types that a push can be asked for; a BASE_REF matches none, for only pull requests have one."""

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Push:
    """One reference that a push moved.

    Attributes:
        ref: in full, ``refs/heads/main``.
        old: the commit before; NONE for a new one.
        new: the commit now.
        actor: account id of whoever pushed; in the sandbox the user id of the system.
        message: of the new commit.
        files: that changed between the two.
    """

    ref: str
    old: str
    new: str
    actor: str
    message: str
    files: tuple[str, ...]

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a build that it starts."""
        kind, _, name = self.ref.removeprefix("refs/").partition("/")
        trigger = f"{'tag' if kind == 'tags' else 'branch'}/{name}"
        found = {"ACTOR_ACCOUNT_ID": self.actor, "EVENT": "PUSH", "HEAD_REF": self.ref, "TRIGGER": trigger}
        found |= {} if self.old == NONE else {"PREV_COMMIT": self.old}
        return {f"CODEBUILD_WEBHOOK_{name}": value for name, value in found.items()}


def read(repository: Path, document: Mapping[str, Any]) -> list[Push]:
    """The pushes of which a repository's hook tells; of a reference that was deleted there is nothing to build."""
    found = []
    for update in document["updates"]:
        old, new = update["old"], update["new"]
        if new == NONE:
            continue
        message = git(repository, "log", "-1", "--format=%B", new).strip()
        span = ["--root", new] if old == NONE else [old, new]
        names = git(repository, "diff-tree", "--no-commit-id", "--name-only", "-r", "-z", *span)
        files = tuple(name for name in names.split("\0") if name)
        found.append(Push(update["ref"], old, new, str(document["actor"]), message, files))
    return found


def problem(groups: Sequence[Sequence[Filter]]) -> str:
    """What is wrong with filter groups; empty for nothing."""
    for each in (each for group in groups for each in group):
        if each.get("type") not in FILTERS:
            return f"Invalid webhook filter type: {each.get('type')}; the sandbox plays {', '.join(FILTERS)}"
        try:
            re.compile(each["pattern"])
        except re.error as error:
            return f"Invalid webhook filter pattern {each['pattern']}: {error}"
    if any(sum(each["type"] == "EVENT" for each in group) != 1 for group in groups):
        return "Each webhook filter group must have one filter of type EVENT"
    return ""


def matches(webhook: Mapping[str, Any], push: Push) -> bool:
    """Whether a push starts a build: every filter of one group at least is met."""
    if groups := webhook.get("filterGroups"):
        return any(all(_met(each, push) for each in group) for group in groups)
    branch = webhook.get("branchFilter")
    return not branch or bool(re.search(branch, push.ref.removeprefix("refs/heads/")))


def _met(each: Filter, push: Push) -> bool:
    if each["type"] == "EVENT":
        return "PUSH" in [name.strip() for name in each["pattern"].split(",")]
    values: dict[str, Iterable[str]] = {
        "ACTOR_ACCOUNT_ID": [push.actor],
        "HEAD_REF": [push.ref],
        "BASE_REF": [],
        "FILE_PATH": push.files,
        "COMMIT_MESSAGE": [push.message],
    }
    found = any(re.search(each["pattern"], value) for value in values[each["type"]])
    return found != bool(each.get("excludeMatchedPattern"))
