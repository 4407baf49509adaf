"""The options of a release: one field each, with the flag and the help that the tasks show for it.

Flags are made from these fields before any task runs, so imports that take time stand inside the functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from longshore.errors import UsageError
from longshore.terraform.gate import Allowed

if TYPE_CHECKING:
    from longshore.images.version import Bump
    from longshore.result import Options

T = TypeVar("T")

APPROVE = "approve"
_CHANGES = ("promote", "apply", "rollback", "scale", "restart")
"""The tasks that change an environment under its lock, as ``release`` does."""


@dataclass(frozen=True)
class Flag:
    """The flag of an option.

    Attributes:
        help: its line in the help; a word in backquotes names its value there.
        also: the tasks that take it, besides ``release``, which takes every option.
        parameter: the name of the task's parameter, if it differs from the field's.
        in_build: whether a release inside a build receives it.
    """

    help: str
    also: tuple[str, ...] = ()
    parameter: str = ""
    in_build: bool = False


def _option(default: T, text: str, *, also: tuple[str, ...] = (), parameter: str = "", in_build: bool = False) -> T:
    """A field with its flag; typed as its default is, as dataclasses.field is."""
    return field(default=default, metadata={"flag": Flag(text, also, parameter, in_build)})


@dataclass(frozen=True)
class ReleaseOptions:
    """The options of ``invoke release``; other tasks take some of them.

    Raises:
        UsageError: a value is not one that its option takes.
    """

    bump: Bump = _option(
        "patch", "`part` of the version to increase: patch (default), minor or major", also=("version",)
    )
    tag: str | None = _option(None, "release this existing `version` instead of building one")
    yes: bool = _option(False, "do not ask for confirmation", also=(*_CHANGES, "bootstrap", "prune"))
    allow_infra: bool = _option(
        False, "let the plan change more than task definitions", also=("promote", "apply"), in_build=True
    )
    allow_destroy: tuple[str, ...] = _option(
        (),
        "exact `address` of a resource that may be destroyed or replaced (repeatable)",
        also=("promote", "apply", "bootstrap"),
        in_build=True,
    )
    only_release: bool = _option(
        False,
        "plan the task definitions only, for a hotfix while a change of the infrastructure is pending",
        also=("promote",),
        in_build=True,
    )
    allow_dirty: bool = _option(False, "build with uncommitted changes; the tag is marked as dirty", also=("build",))
    allow_zero: bool = _option(
        False, "release even if a service has no tasks (it cannot be verified)", also=("promote",), in_build=True
    )
    allow_alarm: bool = _option(
        False,
        "start although an alarm of a service is in ALARM: ECS then watches none of its alarms",
        also=("promote", "apply", "restart"),
        in_build=True,
    )
    allow_failed_version: bool = _option(False, "release a version that has failed before", also=("promote",))
    allow_older: bool = _option(False, "release a commit older than the one that is running", in_build=True)
    rebuild: bool = _option(False, "build even if this commit was built before", also=("build",))
    on: str | None = _option(
        None, "`builder` to use: local or codebuild; default: build_on in invoke.yaml", also=("build",)
    )
    remote: bool = _option(False, "build and release inside CodeBuild")
    check_env: bool = _option(
        False,
        "compare the ECS_ variables of this process with the variable files, as a build does",
        also=("promote", "plan"),
    )
    until: str | None = _option(
        None,
        'stop after this `step` and wait for approval; only "approve" is supported',
        also=("promote",),
        in_build=True,
    )
    wait_lock: str | None = _option(
        None,
        "wait up to this `duration` for another release to finish, e.g. 15m",
        also=(*_CHANGES, "bootstrap", "prune", "destroy"),
        in_build=True,
    )
    dry_run: bool = _option(
        False, "show the steps and everything that would refuse the release, and change nothing", also=("promote",)
    )
    resume: bool = _option(False, "resume an interrupted release")
    abort: bool = _option(False, "with --resume: roll the interrupted release back instead")
    continued: str | None = _option(
        None, "approve and continue this `release`, which waits for approval", parameter="continue_"
    )

    def __post_init__(self) -> None:
        from longshore.images.builders import parse_builder
        from longshore.images.version import parse_bump, parse_tag

        parse_bump(self.bump)
        parse_builder(self.on)
        if self.tag:
            parse_tag(self.tag)
        if self.until not in (None, APPROVE):
            raise UsageError(f"--until {self.until!r} is not a step to stop after", f"Use --until {APPROVE}.")
        _ = self.wait

    @classmethod
    def of(cls, *, task: str = "release", **given: Any) -> ReleaseOptions:
        """The options as a task was given them; lists become tuples.

        Raises:
            UsageError: a value is not one that its option takes, or options conflict.
        """
        options = cls(**_tuples(given))
        if problems := list(options._conflicts(task)):
            raise UsageError("; ".join(problems), f"See: invoke {task} --help")
        return options

    @property
    def wait(self) -> float:
        """Seconds to wait for the lock."""
        return seconds(self.wait_lock) if self.wait_lock else 0.0

    def without_guards(self) -> ReleaseOptions:
        """The same options with those guards lowered that a dry run looks at one by one."""
        return replace(
            self,
            allow_dirty=True,
            allow_older=True,
            allow_failed_version=True,
            wait_lock=self.wait_lock or "1s",  # a held lock must not end the checks
        )

    def with_tag(self, tag: str) -> ReleaseOptions:
        """The same options for an existing version."""
        return replace(self, tag=tag)

    @property
    def command_line(self) -> str:
        """The flags for the release inside a build, as words of a shell's command line: switches first."""
        passed = {_spelled(option): getattr(self, option.name) for option in fields(self) if flag_of(option).in_build}
        switches = [flag for flag, value in passed.items() if value is True]
        values = [word for flag, value in passed.items() for each in _listed(value) for word in (flag, each)]
        return " ".join((*switches, *values))

    def allowed(self, listed: Sequence[str]) -> Allowed:
        """The changes that a plan may contain, by these options and by the addresses and types in invoke.yaml."""
        return Allowed(listed, self.allow_infra, self.allow_destroy, only_release=self.only_release)

    def document(self) -> Options:
        """The options that were given, for the record."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, False, (), "")}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    def apply_document(self) -> Options:
        """The options of an apply, for the record: it chooses no version."""
        return {name: value for name, value in self.document().items() if name != "bump"}

    def _conflicts(self, task: str) -> Iterator[str]:
        given = [option.name for option in fields(self) if getattr(self, option.name) not in ("", option.default)]
        for name, why, excluded in _EXCLUDES:
            if name in given and (clash := [_SPELLED[other] for other in excluded if other in given]):
                yield f"{_SPELLED[name]} {why} and cannot be combined with {', '.join(clash)}"
        taken = [option.name for option in options_of(task)]
        for name, required, why in _REQUIRES:
            if name in given and required in taken and required not in given:
                yield f"{_SPELLED[name]} requires {_SPELLED[required]}: {why}"
        if self.on == "codebuild" and self.allow_dirty:
            yield "--on codebuild builds a commit that it fetches and cannot be combined with --allow-dirty"
        if self.remote and any(address.split() != [address] for address in self.allow_destroy):
            yield "--remote cannot pass on an address that contains a space; release without --remote"


def _listed(value: object) -> tuple[str, ...]:
    """The values after a flag: several if it is repeatable, none if it is a switch or was not given."""
    return value if isinstance(value, tuple) else (value,) if value and isinstance(value, str) else ()


def flag_of(option: Field[Any]) -> Flag:
    """The flag of a field."""
    return cast(Flag, option.metadata["flag"])


def parameter_of(option: Field[Any]) -> str:
    """The name of the task's parameter for a field."""
    return flag_of(option).parameter or option.name


def options_of(task: str) -> list[Field[Any]]:
    """The fields whose flags a task takes."""
    return [option for option in fields(ReleaseOptions) if task in ("release", *flag_of(option).also)]


def _spelled(option: Field[Any]) -> str:
    return f"--{parameter_of(option).strip('_').replace('_', '-')}"


_SPELLED = {option.name: _spelled(option) for option in fields(ReleaseOptions)}
_NOT_KEPT = ("yes", "wait_lock", "dry_run", "resume", "abort", "continued")
_KEPT = tuple(name for name in _SPELLED if name not in _NOT_KEPT)
"""The options that another process of the same release keeps."""

_EXCLUDES = (
    ("tag", "releases an existing image", ("bump", "rebuild", "allow_dirty", "on")),
    ("only_release", "leaves the infrastructure untouched", ("allow_infra", "allow_destroy")),
    ("remote", "builds and releases a commit inside CodeBuild", ("tag", "rebuild", "on", "allow_dirty")),
    ("dry_run", "shows a new release from here", ("resume", "continued", "remote")),
    ("resume", "keeps the original options", (*_KEPT, "continued")),
    ("continued", "keeps the original options", (*_KEPT, "abort")),
)
"""An option, why it excludes others, and these."""

_REQUIRES = (
    ("abort", "resume", "it rolls an interrupted release back"),
    ("allow_failed_version", "tag", "a new version has never failed"),
)
"""An option, the one that it requires, and why. It holds for tasks that take both."""


def resumed_options(recorded: Options, *, yes: bool) -> ReleaseOptions:
    """The options of a release that is resumed: those recorded, except for where to stop and how long to wait.

    Args:
        recorded: the options in the ledger; names that are not options of a release are ignored.
        yes: do not ask for confirmation.
    """
    known = {name: value for name, value in recorded.items() if name in _SPELLED}
    return ReleaseOptions(**{**_tuples(known), "yes": yes, "until": None, "wait_lock": None})


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """The length of a duration such as ``15m``, ``90s`` or ``1h``, in seconds.

    Raises:
        UsageError: the text is not a duration.
    """
    duration = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    if not duration:
        raise UsageError(f"--wait-lock {text[:40]!r} is not a duration", "Use one such as 90s, 15m or 1h.")
    return float(duration[1]) * _UNITS[duration[2]]
