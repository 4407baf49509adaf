"""HCL as used in variable files: parsed into strings, and written so that Terraform reads the same values.

python-hcl2 parses, and returns strings as they are spelled in the file. Their escapes and heredocs are decoded here, by
the native syntax specification (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md).
tests/modules/test_variable_files.py compares both directions with the real Terraform.
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
_KEYWORDS = {"else", "endfor", "endif", "for", "for_each", "if", "in"} | {"null", "true", "false"}
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)
_LARGEST_EXPONENT = 1000
"""Terraform's numbers are larger; written out, one of a billion digits would fill the memory."""
_PRIVATE_USE = range(0xE000, 0xF900)


class Expression:
    """A value that is not a constant; expressions are not evaluated here."""


def parse(text: str) -> dict[str, Any]:
    """The variables of a file: strings, lists and maps of them, None for null, Expression for all that is not constant.

    Numbers and booleans become the strings to which Terraform converts them.

    Raises:
        ConfigError: the text is not valid HCL. The message gives the position, and shows no part of the text.
    """
    mark = _unused_character(text)
    options = hcl2.SerializationOptions(with_comments=False)
    try:
        variables = hcl2.loads(_hide_escaped_templates(text, mark), serialization_options=options)
        return {str(name): _value(value, mark) for name, value in variables.items()}
    except LarkError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise ConfigError("invalid HCL: nested too deeply", "Write the value in fewer levels.") from None


def to_hcl(value: object) -> str:
    """A value as an HCL literal, in which a string that looks like a template remains a string.

    JSON would not do: in a quoted string of HCL, ``${`` and ``%{`` start a template.

    Args:
        value: a string, a number, True, False or None, or a list or mapping of these.

    Raises:
        TypeError: any other type.
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


def _code(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"


def lines(entries: Mapping[str, str]) -> str:
    """The entries of a map, one per line, as `terraform fmt` aligns them."""
    keys = {name: name if _NAME.fullmatch(name) and name not in _KEYWORDS else to_hcl(name) for name in entries}
    width = max(map(len, keys.values()), default=0)
    return "".join(f"  {keys[name].ljust(width)} = {to_hcl(value)}\n" for name, value in entries.items())


def with_entries(text: str, name: str, entries: Mapping[str, str]) -> str:
    """The text of a file with entries added to one of its map variables; the rest stays as it is.

    Args:
        text: of the file.
        name: of the variable; it is appended if the file does not assign it.
        entries: to add.

    Raises:
        ConfigError: the text is not valid HCL, or the variable is not a literal map.
    """
    braces = _braces(text, name)
    if braces is None:
        before = f"{text.rstrip()}\n\n" if text.strip() else ""
        return f"{before}{name} = {{\n{lines(entries)}}}\n"
    begin, end = braces
    inner = text[begin + 1 : end].rstrip()
    if "\n" not in inner and inner:
        inner = f"\n  {inner.strip()}"
    # Terraform fmt aligns consecutive lines: an empty line between keeps the existing ones as they are.
    between = "\n\n" if inner.strip() else "\n"
    return f"{text[: begin + 1]}{inner}{between}{lines(entries)}{text[end:]}"


def _braces(text: str, name: str) -> tuple[int, int] | None:
    """The positions of the braces of a variable's map; None if the file does not assign the variable."""
    try:
        body = hcl2.parses_to_tree(_hide_escaped_templates(text, _unused_character(text))).children[0]
    except LarkError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise ConfigError("invalid HCL: nested too deeply", "Write the value in fewer levels.") from None
    for statement in body.children:
        if isinstance(statement, Tree) and statement.data == "attribute" and _name_of(statement) == name:
            value = statement.children[-1]
            if isinstance(value, Tree) and (inner := value.children[0]) and getattr(inner, "data", "") == "object":
                return inner.meta.start_pos, inner.meta.end_pos - 1
            raise ConfigError(f"{name} is not a map", f"Write it as {name} = {{ … }}.")
    return None


def _name_of(statement: Tree[Token]) -> str:
    first = statement.children[0]
    return str(first.children[0] if isinstance(first, Tree) else first)


def _invalid(error: LarkError) -> ConfigError:
    # The parser's own message quotes the text, which may contain a secret.
    where = f" near line {line}, column {getattr(error, 'column', '?')}" if (line := getattr(error, "line", 0)) else ""
    return ConfigError(f"invalid HCL{where}", "To see Terraform's own message, run: terraform fmt -check")


def _unused_character(text: str) -> str:
    return next(letter for letter in map(chr, _PRIVATE_USE) if letter not in text)


def _hide_escaped_templates(text: str, mark: str) -> str:
    """Replaces escaped templates: python-hcl2 would read each as a template and expect a closing brace."""
    return text.replace("$${", f"{mark}${mark}").replace("%%{", f"{mark}%{mark}")


def _value(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return {_key(name, mark): _value(inner, mark) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, mark) for inner in value]
    if isinstance(value, str):
        return _string(value, mark)
    return value if value is None else as_string(value)


def as_string(value: object) -> str:
    """The string to which Terraform converts a number or a boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    number = Decimal(str(value))
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ConfigError("a number is too large, or too close to 0", "Write a smaller number, or put it in quotes.")
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _key(name: Any, mark: str) -> str:
    key = _string(name, mark) if isinstance(name, str) and name.startswith(('"', "${")) else str(name)
    return name if isinstance(key, Expression) else key


def _string(source: str, mark: str) -> str | Expression:
    """The string that a value has, from its spelling in the file."""
    if not source.startswith('"'):
        return _number(source)
    heredoc = _HEREDOC.fullmatch(source)
    inner = heredoc[2] if heredoc else source[1:-1]
    if _TEMPLATE.search(inner):
        return Expression()
    inner = re.sub(f"{mark}([$%]){mark}", r"\1{", inner)
    if heredoc:
        return _unindented(inner) if heredoc[1] else inner
    return _ESCAPED.sub(lambda m: _UNESCAPES[m[3]] if m[3] else _character(int(m[1] or m[2], 16)), inner)


def _character(code: int) -> str:
    if code > _LAST_CHARACTER or code in _SURROGATES:
        raise ConfigError(f"invalid HCL: U+{code:04X} is not a character", "Correct the escape sequence.")
    return chr(code)


def _number(source: str) -> str | Expression:
    try:
        return as_string(Decimal(source.removeprefix("${").removesuffix("}")))
    except InvalidOperation:
        return Expression()


def _unindented(body: str) -> str:
    """The body of a heredoc that begins with ``<<-``, without the indentation that all its non-empty lines share."""
    rows = body.splitlines(keepends=True)
    shared = min((len(row) - len(row.lstrip()) for row in rows if row.strip()), default=0)
    return "".join(row[shared:] if row.strip() else row for row in rows)
