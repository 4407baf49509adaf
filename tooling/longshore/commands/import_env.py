"""Imports the `ECS_` variables of a process into the variable files: a step of migrating from the original system."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping

from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.masking import looks_secret
from longshore.run import checks
from longshore.terraform import build_variables, variable_files
from longshore.terraform.build_variables import PREFIX, MissingVariables

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def skipped_names(text: str | None) -> set[str]:
    """The names in the value of ``--skip``, separated by commas, with or without ECS_."""
    return {name.strip().removeprefix(PREFIX) for name in (text or "").split(",") if name.strip()}


def import_env(env: Environment, environ: Mapping[str, str], *, skip: Collection[str] = (), write: bool) -> None:
    """Prints the lines that the variable files lack, or writes them, and prints the commands that store the secrets.

    With the lines, the commands are printed as comments, so that the whole output can be pasted into a variable file.

    Args:
        env: the environment.
        environ: the variables of the process.
        skip: names to leave out.
        write: whether to write the lines to the files; then only the commands are printed.

    Raises:
        UsageError: there is no variable with a name to leave out, or a value cannot be written to a file.
        ConfigError: a variable file is missing, or cannot be read or written.
    """
    checks.files(env)
    stack, process = env.target.stack, build_variables.of_process(environ)
    _refuse_unknown(process, skip)
    selected = {name: value for name, value in process.items() if name not in skip}
    _refuse_binary(selected)
    _refuse_unprintable(selected)
    _name_superfluous(env, environ, skip)
    differences = build_variables.differences(selected, variable_files.read(stack.all_var_files))
    _warn_of_differences(env, selected, differences)
    scope, masks = checks.variable_scope(env), env.console.masks
    missing = _without_empty_secrets(build_variables.missing(selected, differences, scope, masks), selected)
    if not (missing.variables or missing.secrets):
        env.console.say(f"None of the {len(selected)} {PREFIX} variables needs to be added.")
        return
    commands = [_store_command(env, name, reference) for name, reference in missing.secrets.items()]
    if write:
        _write(env, missing)
    else:
        env.console.verbatim(missing.text().rstrip())
        commands = [f"# {command}" for command in commands]
    if commands:
        env.console.say("To store the secrets, run these commands in a shell that has the variables:")
        # Verbatim: a password such as postgres would mask part of the name postgres_password. There are no values here.
        env.console.verbatim("\n".join(commands))


def _refuse_unknown(process: Mapping[str, str], skip: Collection[str]) -> None:
    if unknown := sorted(set(skip) - set(process)):
        raise UsageError(
            f"--skip: there is no variable {', '.join(PREFIX + name for name in unknown)}",
            f"Name {PREFIX} variables of this process, separated by commas.",
        )


def _refuse_binary(process: Mapping[str, str]) -> None:
    # Python decodes bytes that are not UTF-8 to surrogates, which cannot be encoded again.
    if binary := [name for name, value in process.items() if not _is_utf8(name + value)]:
        names = ", ".join(ascii(PREFIX + name) for name in binary)
        raise UsageError(
            f"not encoded in UTF-8, so a variable file cannot hold the value: {names}", "Leave it out with --skip."
        )


def _refuse_unprintable(process: Mapping[str, str]) -> None:
    # Such a name would reach the terminal, and a line break would end the comment that is before a command.
    if unprintable := [name for name in process if _is_utf8(name) and not name.isprintable()]:
        names = ", ".join(ascii(PREFIX + name) for name in unprintable)
        raise UsageError(f"a name contains a control character: {names}", "Leave it out with --skip.")


def _is_utf8(value: str) -> bool:
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)


def _name_superfluous(env: Environment, environ: Mapping[str, str], skip: Collection[str]) -> None:
    """Names the variables that can be removed from the build project."""
    for name in build_variables.NOT_NEEDED:
        if name in environ:
            env.console.say(f"{name} is no longer needed: remove it from the build project")
    for name in sorted(skip):
        env.console.say(f"{PREFIX}{name} is left out: remove it from the build project, or its builds are refused")


def _warn_of_differences(env: Environment, process: Mapping[str, str], differences: Mapping[str, str]) -> None:
    for name, difference in differences.items():
        if difference != build_variables.ABSENT:
            env.console.warn(f"{PREFIX}{name} {difference} (the file was not changed)")
        elif not process[name] and looks_secret(name, ""):
            env.console.warn(f"{PREFIX}{name} is empty, but looks like a secret: remove it from the build project")


def _without_empty_secrets(missing: MissingVariables, process: Mapping[str, str]) -> MissingVariables:
    """The variables without empty secrets, because Parameter Store does not accept an empty value."""
    secrets = {name: reference for name, reference in missing.secrets.items() if process[name]}
    return MissingVariables(missing.variables, secrets)


def _write(env: Environment, missing: MissingVariables) -> None:
    for name, entries in (("variables", missing.variables), ("secrets", missing.secrets)):
        if entries:
            file = variable_files.add(env.target.stack.var_files, name, entries)
            env.console.say(f"{file.name}: added {', '.join(entries)} to {name}")


def _store_command(env: Environment, name: str, reference: str) -> str:
    """The command that stores a secret; it names the variable, and the shell inserts the value."""
    variable = f"{PREFIX}{name}"
    value = f'"${variable}"' if _SHELL_NAME.fullmatch(variable) else f'"$(printenv {shlex.quote(variable)})"'
    parameter = shlex.quote(reference.removeprefix("ssm:"))
    return f"aws ssm put-parameter --region {env.target.region} --type SecureString --name {parameter} --value {value}"
