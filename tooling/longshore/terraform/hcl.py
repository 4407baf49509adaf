"""HCL as variable files have it: read into texts, written so that Terraform reads the same. Only importer of hcl2.

python-hcl2 parses, and gives strings as they stand in the file; what their escapes and heredocs mean is decided here,
as HCL's native syntax specification says. tests/modules/test_variable_files.py holds it against the real Terraform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import hcl2
from lark import Token, Tree
from lark.exceptions import LarkError

from longshore.errors import ConfigError

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNESCAPES = {escape[1]: letter for letter, escape in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt\"\\]))")
_TEMPLATE = re.compile(r"[$%]\{")
_HEREDOC = re.compile(r'"<<(-?)[^\r\n]*\r?\n(.*?)[^\n]*"', re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS = {"else", "endfor", "endif", "for", "for_each", "if", "in"} | {"null", "true", "false"}
_PRIVATE_USE = range(0xE000, 0xF900)


class Expression:
    """A value that is no constant: it is not evaluated here."""


def parse(text: str) -> dict[str, Any]:
    """The variables of a file: texts, lists and maps of them, None for null, Expression for what is no constant.

    VersionCounter and booleans become the texts that Terraform makes of them where a text is wanted.

    Raises:
        ConfigError: it is no HCL. The message says where, and shows nothing of the file.
    """
    mark = _unused(text)
    try:
        found = hcl2.loads(_marked(text, mark), serialization_options=hcl2.SerializationOptions(with_comments=False))
    except LarkError as error:
        raise _unreadable(error) from None
    return {str(name): _value(value, mark) for name, value in found.items()}


def to_hcl(value: object) -> str:
    """A value as an HCL literal; a text that looks like a template is written so that it stays a text.

    JSON would not do: HCL reads ``${`` and ``%{`` in a quoted string as the begin of a template.

    Args:
        value: a text, a number, True, False or None, or a list or mapping of such.

    Raises:
        TypeError: anything else.
    """
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{to_hcl(str(key))} = {to_hcl(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(to_hcl, value)) + "]"
    raise TypeError(f"HCL has no {type(value).__name__}")


def _quoted(text: str) -> str:
    shown = "".join(_ESCAPES.get(letter) or (letter if letter.isprintable() else _code(letter)) for letter in text)
    return '"' + shown.replace("${", "$${").replace("%{", "%%{") + '"'


def lines(entries: Mapping[str, str]) -> str:
    """Entries of a map, one a line, as `terraform fmt` sets them."""
    keys = {name: name if _NAME.fullmatch(name) and name not in _WORDS else to_hcl(name) for name in entries}
    width = max(map(len, keys.values()), default=0)
    return "".join(f"  {keys[name].ljust(width)} = {to_hcl(value)}\n" for name, value in entries.items())


def with_entries(text: str, name: str, entries: Mapping[str, str]) -> str:
    """The file's text with more entries in a variable that is a map; what stands there stays as it is.

    Args:
        text: the file.
        name: the variable; appended if the file does not assign it.
        entries: what is added.

    Raises:
        ConfigError: it is no HCL, or the variable is no map that is written out.
    """
    found = _assigned(text, name)
    if found is None:
        before = f"{text.rstrip()}\n\n" if text.strip() else ""
        return f"{before}{name} = {{\n{lines(entries)}}}\n"
    begin, end = found
    inner = text[begin + 1 : end].rstrip()
    if "\n" not in inner and inner:
        inner = f"\n  {inner.strip()}"
    # An empty line between: terraform fmt aligns only what stands together, and what is there shall stay as it is.
    between = "\n\n" if inner.strip() else "\n"
    return f"{text[: begin + 1]}{inner}{between}{lines(entries)}{text[end:]}"


def _assigned(text: str, name: str) -> tuple[int, int] | None:
    """Where the braces of a variable's map stand; None where the file does not assign it."""
    try:
        body = hcl2.parses_to_tree(_marked(text, _unused(text))).children[0]
    except LarkError as error:
        raise _unreadable(error) from None
    for statement in body.children:
        if isinstance(statement, Tree) and statement.data == "attribute" and _name_of(statement) == name:
            value = statement.children[-1]
            if isinstance(value, Tree) and (inner := value.children[0]) and getattr(inner, "data", "") == "object":
                return inner.meta.start_pos, inner.meta.end_pos - 1
            raise ConfigError(f"{name} is no map", f"Write it as {name} = {{ … }}.")
    return None


def _name_of(statement: Tree[Token]) -> str:
    first = statement.children[0]
    return str(first.children[0] if isinstance(first, Tree) else first)


def _unreadable(error: LarkError) -> ConfigError:
    # Its own message repeats what stands there, and that may be a secret.
    where = f" near line {line}, column {getattr(error, 'column', '?')}" if (line := getattr(error, "line", 0)) else ""
    return ConfigError(f"is no HCL{where}", "See what Terraform says of it: terraform fmt -check")


def _unused(text: str) -> str:
    """A character that the text does not have."""
    return next(letter for letter in map(chr, _PRIVATE_USE) if letter not in text)


def _marked(text: str, mark: str) -> str:
    """The text with its escaped templates out of the way: the library takes them for ones that end with a brace."""
    return text.replace("$${", f"{mark}${mark}").replace("%%{", f"{mark}%{mark}")


def _value(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return {_key(name, mark): _value(inner, mark) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, mark) for inner in value]
    if isinstance(value, str):
        return _text(value, mark)
    return value if value is None else constant(value)


def constant(value: object) -> str:
    """The text that Terraform makes of a number or a boolean where a text is wanted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    digits = format(Decimal(str(value)), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _key(name: Any, mark: str) -> str:
    found = _text(name, mark) if isinstance(name, str) and name.startswith(('"', "${")) else str(name)
    return name if isinstance(found, Expression) else found


def _text(source: str, mark: str) -> str | Expression:
    """What a value means that the library gives as it stands in the file."""
    if not source.startswith('"'):
        return _number(source)
    heredoc = _HEREDOC.fullmatch(source)
    inner = heredoc[2] if heredoc else source[1:-1]
    if _TEMPLATE.search(inner):
        return Expression()
    inner = re.sub(f"{mark}([$%]){mark}", r"\1{", inner)
    if heredoc:
        return _flush(inner) if heredoc[1] else inner
    return _ESCAPED.sub(lambda m: _UNESCAPES[m[3]] if m[3] else chr(int(m[1] or m[2], 16)), inner)


def _number(source: str) -> str | Expression:
    try:
        return constant(Decimal(source.removeprefix("${").removesuffix("}")))
    except InvalidOperation:
        return Expression()


def _flush(body: str) -> str:
    """A heredoc that begins with ``<<-``: without the indentation that its lines share; empty lines have none."""
    found = body.splitlines(keepends=True)
    shared = min((len(line) - len(line.lstrip()) for line in found if line.strip()), default=0)
    return "".join(line[shared:] if line.strip() else line for line in found)


def _code(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"
