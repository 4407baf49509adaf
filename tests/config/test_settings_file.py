"""invoke.yaml as nobody should write it: one message with the file and the line, and no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from longshore.config.settings_file import read
from longshore.errors import ConfigError

LAUGHS = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("longshore:\n\tx: 1\n", ", line 2, column 1: found character '\\t' that cannot start any token"),
        ("longshore: {a: [}\n", ", line 1, column 17: expected the node content, but found '}'"),
        ("longshore: 'a\n", ", line 2, column 1: found unexpected end of stream"),
        ("- a\n", " must be a mapping of keys to values, such as longshore: …, not a list"),
        ("hello\n", " must be a mapping of keys to values, such as longshore: …, not the text 'hello'"),
        ("5\n", " must be a mapping of keys to values, such as longshore: …, not 5"),
        ("a: 1\n---\nb: 2\n", ", line 2, column 1: but found another document"),
        ("longshore:\n  a: 1\n  b: 2\n  a: 3\n", ", line 4: the key 'a' is there twice"),
        ("run: {a: 1, a: 2}\n", ", line 1: the key 'a' is there twice"),
        ("longshore:\n  no: 1\n", ", line 2: the key 'no' is a boolean in YAML"),
        ("longshore:\n  012: 1\n", ", line 2: the key '012' is a number in YAML"),
        ("longshore:\n  1.10: 1\n", ", line 2: the key '1.10' is a number in YAML"),
        ("longshore:\n  2026-01-02: 1\n", ", line 2: the key '2026-01-02' is a date in YAML"),
        ("longshore:\n  ? [a]\n  : 1\n", ", line 2: the key '' is not a text in YAML"),
        ("longshore: &a\n  b: *a\n", ", line 1: the alias contains itself"),
        ("longshore: *a\n", ", line 1, column 12: found undefined alias 'a'"),
        (f"{LAUGHS}\n", ", line 5: its aliases stand for more than 100000 values"),
        (f"longshore: {'[' * 60}{']' * 60}\n", ", line 1: nested too deeply (more than 50 levels)"),
        (f"longshore: {'[' * 1000}{']' * 1000}\n", " is nested too deeply"),
        (f"longshore: {'9' * 5000}\n", " has an invalid value: Exceeds the limit (4300 digits) for integer string"),
        ("longshore: 2026-13-01\n", " has an invalid value: month must be in 1..12"),
        ("longshore: !!python/object:os.system x\n", ", line 1, column 12: could not determine a constructor"),
        ("longshore: a\0b\n", " has a character that YAML does not allow, '\\x00', at position 12"),
        ("longshore: \x1b[31m\n", " has a character that YAML does not allow, '\\x1b', at position 11"),
    ],
)
def test_yaml_that_cannot_be_settings(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "invoke.yaml")
    assert caught.value.message.startswith(f"invoke.yaml{problem}")
    assert caught.value.message.isprintable()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1,\n "b": }', ", line 2, column 7: Expecting value"),
        ('{"a": {"b": 1, "b": 2}}', " has the key 'b' twice"),
        ("[1]", " must be a mapping of keys to values, such as longshore: …, not a list"),
        ("[" * 20_000, " is nested too deeply"),
        (f'{{"a": {"9" * 5000}}}', " has an invalid value: Exceeds the limit (4300 digits)"),
    ],
)
def test_json_that_cannot_be_settings(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "invoke.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "invoke.json")
    assert caught.value.message.startswith(f"invoke.json{problem}")


@pytest.mark.parametrize("data", ["longshore: ä".encode("latin-1"), "longshore: a".encode("utf-16-be")[1:], b"\xff"])
def test_a_file_that_is_not_utf_8(data: bytes, tmp_path: Path) -> None:
    for name in ("invoke.yaml", "invoke.json"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError, match=f"^{name} "):
            read(tmp_path / name)


def test_a_file_in_utf_16_or_with_a_mark_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        (tmp_path / "invoke.yaml").write_bytes("longshore: ä\r\n".encode(encoding))
        assert read(tmp_path / "invoke.yaml") == {"longshore": "ä"}


def test_an_empty_file_has_no_settings(tmp_path: Path) -> None:
    for text in ("", "\n", "# nothing yet\n", "---\n"):
        (tmp_path / "invoke.yaml").write_text(text)
        assert read(tmp_path / "invoke.yaml") == {}


def test_aliases_and_merges_are_read_as_before(tmp_path: Path) -> None:
    text = "longshore: {a: &a {x: 1}, b: {<<: *a, x: 2}, c: *a}\nports: {80: x}\n"
    (tmp_path / "invoke.yaml").write_text(text)
    settings = {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 1}}
    assert read(tmp_path / "invoke.yaml") == {"longshore": settings, "ports": {80: "x"}}


def test_what_is_not_a_file(tmp_path: Path) -> None:
    path = tmp_path / "invoke.yaml"
    with pytest.raises(FileNotFoundError):
        read(path)
    path.mkdir()
    problems = [problem_of(path)]
    path.rmdir()
    os.mkfifo(path)  # nobody writes into it: reading would wait for ever
    problems.append(problem_of(path))
    path.unlink()
    path.symlink_to("elsewhere.yaml")
    problems.append(problem_of(path))
    path.unlink()
    path.symlink_to("invoke.yaml")
    problems.append(problem_of(path))
    assert problems == [
        "invoke.yaml is not a file",
        "invoke.yaml is not a file",
        "invoke.yaml is a link to a file that does not exist",
        "invoke.yaml cannot be read: Too many levels of symbolic links",
    ]


def problem_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path)
    return caught.value.message
