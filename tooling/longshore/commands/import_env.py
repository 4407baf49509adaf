"""Takes the `ECS_` variables of a process over into the variable files, for those who come from the original."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping

from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.run import checks
from longshore.terraform import build_variables, variable_files
from longshore.terraform.build_variables import PREFIX, MissingVariables

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def names(text: str | None) -> set[str]:
    """The names of ``--skip``, which are separated by commas; with or without ECS_."""
    return {name.strip().removeprefix(PREFIX) for name in (text or "").split(",") if name.strip()}


def take_over(env: Environment, environ: Mapping[str, str], *, skip: Collection[str] = (), write: bool) -> None:
    """Prints the lines that the variable files lack, or writes them; and the commands that store the secrets.

    Printed, the commands are comments, so that all of it can be pasted; with ``write`` they are all that is printed.

    Args:
        env: the environment.
        environ: the process's variables.
        skip: names to leave out.
        write: whether the files are written.

    Raises:
        UsageError: a name to leave out is not there, or a value can't be written down.
        ConfigError: a variable file is missing, or can't be read or written.
    """
    checks.files(env)
    files, process = env.target.stack.var_files, build_variables.of_process(environ)
    _refuse(process, skip)
    _tell(env, environ, skip)
    wanted = {name: value for name, value in process.items() if name not in skip}
    said = build_variables.differences(wanted, variable_files.read(files))
    _warn(env, wanted, said)
    found = _storable(wanted, build_variables.missing(wanted, said, checks.variable_scope(env), env.console.masks))
    if not (found.variables or found.secrets):
        env.console.say(f"Nothing of {len(wanted)} {PREFIX} variables is to be added.")
        return
    commands = [_command(env, name, reference) for name, reference in found.secrets.items()]
    if write:
        _write(env, found)
    else:
        env.console.verbatim(found.text().rstrip())
        commands = [f"# {line}" for line in commands]
    if commands:
        env.console.say("To store the secrets, where these variables are set:")
        # A password such as postgres would mask a part of postgres_password: there are only names here.
        env.console.verbatim("\n".join(commands))


def _tell(env: Environment, environ: Mapping[str, str], skip: Collection[str]) -> None:
    for name in build_variables.NOT_NEEDED:
        if name in environ:
            env.console.say(f"{name} is not needed any more: take it off the build project")
    for name in sorted(skip):
        env.console.say(f"{PREFIX}{name} is left out: take it off the build project, or its builds are refused")


def _warn(env: Environment, process: Mapping[str, str], said: Mapping[str, str]) -> None:
    for name, what in said.items():
        if what != build_variables.ABSENT:
            env.console.warn(f"{PREFIX}{name} {what}; what is there stays")
        elif not process[name] and build_variables.looks_secret(name, ""):
            env.console.warn(f"{PREFIX}{name} is empty, and looks like a secret: take it off the build project")


def _storable(process: Mapping[str, str], found: MissingVariables) -> MissingVariables:
    """Without secrets that are empty: Parameter Store takes no empty value."""
    return MissingVariables(
        found.variables, {name: reference for name, reference in found.secrets.items() if process[name]}
    )


def _write(env: Environment, found: MissingVariables) -> None:
    for name, entries in (("variables", found.variables), ("secrets", found.secrets)):
        if entries:
            file = variable_files.add(env.target.stack.var_files, name, entries)
            env.console.say(f"{file.name}: {', '.join(entries)} added to {name}")


def _refuse(process: Mapping[str, str], skip: Collection[str]) -> None:
    unknown = sorted(set(skip) - set(process))
    if unknown:
        raise UsageError(f"--skip: there is no variable {', '.join(PREFIX + name for name in unknown)}")
    # Bytes that are no UTF-8 are half characters here.
    broken = [name for name, value in process.items() if name not in skip and not _is_text(name + value)]
    if broken:
        shown = ", ".join(ascii(PREFIX + name) for name in broken)
        raise UsageError(f"no UTF-8 text, which a variable file can't hold: {shown}", "Leave it out with --skip.")


def _is_text(value: str) -> bool:
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)


def _command(env: Environment, name: str, reference: str) -> str:
    """Stores a secret; the command names the variable, and the shell puts its value in."""
    variable = f"{PREFIX}{name}"
    value = f'"${variable}"' if _SHELL_NAME.fullmatch(variable) else f'"$(printenv {shlex.quote(variable)})"'
    parameter = shlex.quote(reference.removeprefix("ssm:"))
    return f"aws ssm put-parameter --region {env.target.region} --type SecureString --name {parameter} --value {value}"
