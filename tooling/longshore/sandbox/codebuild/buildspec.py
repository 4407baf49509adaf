"""Buildspecs of version 0.2 (AWS CodeBuild User Guide, "Build specification reference")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")

Mark = yaml.error.MarkedYAMLError


_LONGEST_MESSAGE = 1000


class BuildspecError(Exception):
    """A buildspec that CodeBuild refuses with YAML_FILE_ERROR, in its own words if they are documented."""

    def __init__(self, message: str) -> None:
        # A message may quote the buildspec, whose values may be long and have control characters.
        printable = "".join(character if character.isprintable() else "\ufffd" for character in message)
        super().__init__(printable[:_LONGEST_MESSAGE])


@dataclass(frozen=True)
class Phase:
    """A phase of a buildspec.

    Attributes:
        commands: its commands, in order.
        finally_: commands that run afterwards, even if one of the others failed.
        on_failure: ``ABORT``, ``CONTINUE``, or empty for the phase's default.
    """

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str = ""


@dataclass(frozen=True)
class Buildspec:
    """A buildspec.

    Attributes:
        phases: its phases, by name.
        variables: ``env.variables``.
        parameters: ``env.parameter-store``: the parameter of each variable.
        secrets: ``env.secrets-manager``: ``id:json-key:stage:version`` of each variable.
        exported: ``env.exported-variables``.
    """

    phases: Mapping[str, Phase]
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()


def is_inline(text: str) -> bool:
    """Whether a project's ``buildspec`` is a buildspec itself, and not the name of a file."""
    return "\n" in text.strip() or text.lstrip().startswith(("version:", "{"))


def parse(text: str) -> Buildspec:
    """Read a buildspec.

    Raises:
        BuildspecError: the text is not YAML, not a buildspec, or uses a feature that the sandbox does not support.
    """
    document = _mapping(_load(text), "the buildspec")
    version = document.get("version")
    if version != "0.2":
        raise BuildspecError(f"Invalid buildspec version {version}: the sandbox supports version 0.2 only")
    if "run-as" in document:
        raise BuildspecError("run-as: not supported; the sandbox runs builds as the user who started it")
    phases = _mapping(document.get("phases"), "phases")
    if unknown := [name for name in phases if name not in PHASES]:
        raise BuildspecError(f"Unknown phase {unknown[0]}: the phases are {', '.join(PHASES)}")
    env = _mapping(document.get("env") or {}, "env")
    if env.get("shell", "bash") not in ("bash", "/bin/sh"):
        raise BuildspecError(f"env.shell: {env['shell']} is not supported; use bash")
    return Buildspec(
        phases={name: _phase(name, phases[name]) for name in PHASES if name in phases},
        variables=_strings(env.get("variables"), "env.variables"),
        parameters=_strings(env.get("parameter-store"), "env.parameter-store"),
        secrets=_strings(env.get("secrets-manager"), "env.secrets-manager"),
        exported=_list(env.get("exported-variables"), "exported-variables"),
    )


def _load(text: str) -> Any:
    try:
        # Every scalar stays a string: 1.10 and yes are values of variables, not a number and a boolean.
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes strings, lists and mappings only
    except RecursionError as error:
        raise BuildspecError("yaml: nested too deeply") from error
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, Mark) else None
        where = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem if isinstance(error, Mark) and error.problem else str(error)
        raise BuildspecError(f"yaml: {where}{problem}") from error


def _phase(name: str, value: Any) -> Phase:
    phase = _mapping(value, f"phases.{name}")
    if "run-as" in phase:
        raise BuildspecError(f"phases.{name}.run-as: not supported; the sandbox runs builds as the user who started it")
    on_failure = phase.get("on-failure", "")
    if on_failure not in ("", "ABORT", "CONTINUE"):
        raise BuildspecError(f"phases.{name}.on-failure: {on_failure} is not supported; use ABORT or CONTINUE")
    return Phase(_list(phase.get("commands"), "Commands"), _list(phase.get("finally"), "Finally"), on_failure)


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BuildspecError(f"Expected {name} to be a mapping of names to values")
    return value


def _strings(value: Any, name: str) -> dict[str, str]:
    values = _mapping(value or {}, name)
    if wrong := [key for key, value in values.items() if not isinstance(value, str)]:
        raise BuildspecError(f"Expected {name}.{wrong[0]} to be of string type")
    return values


def _list(value: Any, name: str) -> tuple[str, ...]:
    if not value:
        return ()
    if not isinstance(value, list):
        raise BuildspecError(f"Expected {name} to be a list of strings")
    for number, item in enumerate(value):
        if not isinstance(item, str):
            # a command with ": " in it, without quotes, is a mapping to YAML
            raise BuildspecError(f"Expected {name}[{number}] to be of string type: found subkeys instead")
    return tuple(value)
