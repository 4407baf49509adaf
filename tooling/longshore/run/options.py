"""What the operator ordered: the options of the command line, checked against each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from longshore.errors import UsageError
from longshore.images.builders import parse_builder
from longshore.images.version import Bump, parse_bump, parse_tag
from longshore.result import Options
from longshore.terraform.plan import Allowed


@dataclass(frozen=True)
class ReleaseOptions:
    """The options of ``invoke release``."""

    bump: Bump = "patch"
    tag: str | None = None
    yes: bool = False
    allow_infra: bool = False
    allow_destroy: tuple[str, ...] = ()
    only_release: bool = False
    allow_dirty: bool = False
    allow_zero: bool = False
    allow_failed_version: bool = False
    allow_older: bool = False
    rebuild: bool = False
    on: str | None = None
    remote: bool = False
    check_env: bool = False
    until: str | None = None
    wait_lock: str | None = None
    resume: bool = False
    abort: bool = False
    continued: str | None = None

    @property
    def wait(self) -> float:
        """Seconds to wait for the lock."""
        return seconds(self.wait_lock) if self.wait_lock else 0.0

    def with_tag(self, tag: str) -> ReleaseOptions:
        """The same, for a version that exists."""
        return replace(self, tag=tag)

    @property
    def command_line(self) -> str:
        """The options for the release inside a build: words of a shell's command line."""
        words = [f"--{name.replace('_', '-')}" for name in _TOLD if getattr(self, name)]
        words += [word for address in self.allow_destroy for word in ("--allow-destroy", address)]
        words += ["--until", self.until] if self.until else []
        words += ["--wait-lock", self.wait_lock] if self.wait_lock else []
        return " ".join(words)

    def allowed(self, listed: Sequence[str]) -> Allowed:
        """What a plan may change, by these options and by the addresses and types that invoke.yaml lists."""
        return Allowed(listed, self.allow_infra, self.allow_destroy, alone=self.only_release)

    def of_a_change(self) -> Options:
        """The options of an apply, for the record: there is no version to choose."""
        return {name: value for name, value in self.document().items() if name != "bump"}

    def document(self) -> Options:
        """The options that were given, for the record."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, False, ())}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """How long ``15m``, ``90s`` or ``1h`` is, in seconds.

    Raises:
        UsageError: it is no length of time.
    """
    found = re.fullmatch(r"(\d+)([smh])", text)
    if not found:
        raise UsageError(f"--wait-lock {text!r} is no length of time", "Give one such as 90s, 15m or 1h.")
    return float(found[1]) * _UNITS[found[2]]


APPROVE = "approve"
_TOLD = ("allow_infra", "only_release", "allow_zero", "allow_older")
"""The switches that a release inside a build is told."""


def order_again(options: Options, *, yes: bool) -> ReleaseOptions:
    """The order of a release that is gone on with: as it was given, but for where to stop and how long to wait."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options.items()
        if name in ReleaseOptions.__dataclass_fields__
    }
    return ReleaseOptions(**{**given, "yes": yes, "until": None, "wait_lock": None})


def order(  # noqa: PLR0913 - as many as the command line has
    *,
    bump: str = "patch",
    tag: str | None = None,
    until: str | None = None,
    wait_lock: str | None = None,
    continued: str | None = None,
    on: str | None = None,
    promotes: bool = False,
    allow_destroy: Sequence[str] | None = None,
    **switches: bool,
) -> ReleaseOptions:
    """Checks the options.

    Args:
        bump: the part of the version to count up.
        tag: an image that exists, or None to build one.
        until: the step after which it ends: ``approve`` or None.
        wait_lock: how long to wait for the lock, such as ``15m``.
        continued: id of a release that waits for approval.
        on: what builds the images: ``local`` or ``codebuild``; what invoke.yaml says if None.
        promotes: what is released exists, whether its tag is known yet or not.
        allow_destroy: the addresses of what the plan may destroy or replace.
        switches: the fields of ReleaseOptions that are yes or no.

    Raises:
        UsageError: one is not known, or two conflict.
    """
    made = ReleaseOptions(
        parse_bump(bump),
        parse_tag(tag) if tag else None,
        until=until,
        wait_lock=wait_lock,
        continued=continued,
        on=parse_builder(on),
        allow_destroy=tuple(allow_destroy or ()),
        **switches,
    )
    _ = made.wait
    if until not in (None, APPROVE):
        raise UsageError(f"--until {until!r} is not known", f"A release can stop at: {APPROVE}.")
    if made.resume or continued:
        _refuse_new_options(made)
    elif made.abort:
        raise UsageError("--abort goes with --resume: it takes a release back whose process has died")
    _refuse_conflicts(made, promotes=promotes)
    _refuse_away(made)
    return made


def _refuse_new_options(made: ReleaseOptions) -> None:
    """What goes on keeps the options with which it was ordered."""
    if made.resume and made.continued:
        raise UsageError("--resume and --continue are two ways of going on", "Give one of the two.")
    kept = ReleaseOptions(
        yes=made.yes, resume=made.resume, abort=made.abort, continued=made.continued, wait_lock=made.wait_lock
    )
    if made != kept or (made.abort and not made.resume):
        flag = "--resume" if made.resume else "--continue"
        raise UsageError(f"{flag} goes on with a release as it was ordered: it takes none of its options")


def _refuse_conflicts(made: ReleaseOptions, *, promotes: bool) -> None:
    if made.tag and (made.rebuild or made.allow_dirty or made.on or made.bump != "patch"):
        raise UsageError(
            "--tag releases an image that exists: it goes without --bump, --rebuild, --allow-dirty and --on"
        )
    if made.only_release and (made.allow_infra or made.allow_destroy):
        raise UsageError(
            "--only-release leaves all infrastructure alone: it goes without --allow-infra, --allow-destroy"
        )
    if made.allow_failed_version and not (made.tag or promotes):
        raise UsageError("--allow-failed-version goes with --tag: a new version has never failed")


def _refuse_away(made: ReleaseOptions) -> None:
    """What does not go with CodeBuild."""
    if (made.on == "codebuild" or made.remote) and made.allow_dirty:
        raise UsageError("CodeBuild builds a commit that it can fetch: --allow-dirty has no meaning there")
    if made.remote and (made.tag or made.rebuild or made.on):
        raise UsageError(
            "--remote builds and releases a commit inside CodeBuild: it goes without --tag, --rebuild, --on"
        )
    if made.remote and any(address.split() != [address] for address in made.allow_destroy):
        raise UsageError("--remote can't hand on an address with a space in it: release without --remote")
