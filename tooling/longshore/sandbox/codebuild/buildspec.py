"""What a buildspec of version 0.2 asks for (AWS CodeBuild User Guide, "Build specification reference")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")

Mark = yaml.error.MarkedYAMLError


class BuildspecError(Exception):
    """A buildspec that CodeBuild refuses with YAML_FILE_ERROR, in its words where they are known."""


@dataclass(frozen=True)
class Phase:
    """One phase.

    Attributes:
        commands: in their order.
        finally_: what runs after them, whether they failed or not.
        on_failure: ``ABORT``, ``CONTINUE``, or empty for the transitions that the phase has by itself.
    """

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str = ""


@dataclass(frozen=True)
class Buildspec:
    """A buildspec.

    Attributes:
        phases: those that it has, by name.
        variables: ``env.variables``.
        parameters: ``env.parameter-store``: a parameter's name for each variable.
        secrets: ``env.secrets-manager``: ``id:json-key:stage:version`` for each variable.
        exported: ``env.exported-variables``.
    """

    phases: Mapping[str, Phase]
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()


def is_inline(text: str) -> bool:
    """Whether a project's ``buildspec`` is one itself; else it is a file's name."""
    return "\n" in text.strip() or text.lstrip().startswith(("version:", "{"))


def parse(text: str) -> Buildspec:
    """Read a buildspec.

    Raises:
        BuildspecError: it is no YAML, no buildspec, or asks for what the sandbox does not play.
    """
    document = _mapping(_load(text), "the buildspec")
    version = document.get("version")
    if version != "0.2":
        raise BuildspecError(f"Invalid buildspec version {version}: the sandbox plays version 0.2 only")
    if "run-as" in document:
        raise BuildspecError("run-as: the sandbox runs builds as the user who started it; leave it out")
    phases = _mapping(document.get("phases"), "phases")
    if unknown := [name for name in phases if name not in PHASES]:
        raise BuildspecError(f"Unknown phase {unknown[0]}: phases are {', '.join(PHASES)}")
    env = _mapping(document.get("env") or {}, "env")
    if env.get("shell", "bash") not in ("bash", "/bin/sh"):
        raise BuildspecError(f"env.shell: {env['shell']} is not played; the sandbox has bash")
    return Buildspec(
        phases={name: _phase(name, phases[name]) for name in PHASES if name in phases},
        variables=_texts(env.get("variables"), "env.variables"),
        parameters=_texts(env.get("parameter-store"), "env.parameter-store"),
        secrets=_texts(env.get("secrets-manager"), "env.secrets-manager"),
        exported=_list(env.get("exported-variables"), "exported-variables"),
    )


def _load(text: str) -> Any:
    try:
        # Every scalar stays the text that was written: 1.10 and yes are values of variables, not a number and a truth.
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings only
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, Mark) else None
        where = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem if isinstance(error, Mark) and error.problem else str(error)
        raise BuildspecError(f"yaml: {where}{problem}") from error


def _phase(name: str, given: Any) -> Phase:
    phase = _mapping(given, f"phases.{name}")
    if "run-as" in phase:
        raise BuildspecError(f"phases.{name}.run-as: the sandbox runs builds as the user who started it; leave it out")
    on_failure = phase.get("on-failure", "")
    if on_failure not in ("", "ABORT", "CONTINUE"):
        raise BuildspecError(f"phases.{name}.on-failure: {on_failure} is not played; ABORT and CONTINUE are")
    return Phase(_list(phase.get("commands"), "Commands"), _list(phase.get("finally"), "Finally"), on_failure)


def _mapping(given: Any, name: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BuildspecError(f"Expected {name} to be a mapping of names to values")
    return given


def _texts(given: Any, name: str) -> dict[str, str]:
    found = _mapping(given or {}, name)
    if wrong := [key for key, value in found.items() if not isinstance(value, str)]:
        raise BuildspecError(f"Expected {name}.{wrong[0]} to be of string type")
    return found


def _list(given: Any, name: str) -> tuple[str, ...]:
    if not given:
        return ()
    if not isinstance(given, list):
        raise BuildspecError(f"Expected {name} to be a list of texts")
    for number, each in enumerate(given):
        if not isinstance(each, str):
            # a command with ": " in it, without quotes, is a mapping to YAML
            raise BuildspecError(f"Expected {name}[{number}] to be of string type: found subkeys instead")
    return tuple(given)
