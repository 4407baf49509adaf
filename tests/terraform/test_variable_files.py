from __future__ import annotations

import json
import re
import signal
import stat
from pathlib import Path

import pytest

from longshore.errors import ConfigError
from longshore.signals import StoppedBySignal
from longshore.terraform import variable_files
from tests.paths import ROOT


def write(folder: Path, **files: str) -> tuple[Path, ...]:
    """Writes files by name, with underscores for dots."""
    paths = []
    for name, text in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(text.encode())
        paths.append(path)
    return tuple(paths)


def test_a_later_file_overrides_the_whole_variable(tmp_path: Path) -> None:
    first = 'variables = { ECS_A = "1", ECS_B = "1" }\nsecrets = { C = "ssm:/c" }\n'
    files = write(tmp_path, a_tfvars=first, b_tfvars='variables = { ECS_A = "2" }\n')
    assert variable_files.read(files) == {"variables": {"ECS_A": "2"}, "secrets": {"C": "ssm:/c"}}


def test_json_strings_are_literal_and_numbers_become_strings(tmp_path: Path) -> None:
    text = '{"variables": {"A": "${x} $${y}", "B": 1.50, "C": true, "D": null, "E": 1e3, "F": 0.1234567890123456789}}'
    strings = variable_files.strings(variable_files.read(write(tmp_path, a_tfvars_json=text)), "variables")
    assert strings == {"A": "${x} $${y}", "B": "1.5", "C": "true", "E": "1000", "F": "0.1234567890123456789"}


def test_the_variable_files_of_this_repository_can_be_read() -> None:
    folder = ROOT / "environments"
    variables = {file.name: variable_files.read([file]) for file in sorted(folder.glob("*.tfvars"))}
    assert variable_files.strings(variables["staging.tfvars"], "environment") == {"RAILS_LOG_TO_STDOUT": "ENABLE"}
    assert variable_files.strings(variables["staging.tfvars"], "secrets")["RAILS_MASTER_KEY"].startswith("ssm:/")
    assert variable_files.strings(variables["sandbox.tfvars"], "variables") == {}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tfvars", b'variables = { ECS_A = "canary-7f3a9c', "variable file a.tfvars: invalid HCL near line 1"),
        ("a.tfvars", b'a = "\xff canary"', "variable file a.tfvars: not encoded in UTF-8"),
        (
            "a.tfvars.json",
            b'{"variables": canary',
            "variable file a.tfvars.json: invalid JSON: Expecting value in line 1",
        ),
        ("a.tfvars.json", b'["canary"]', "variable file a.tfvars.json: not a JSON object"),
    ],
)
def test_an_unreadable_file_is_named_but_not_shown(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        variable_files.read([tmp_path / name])
    assert message in caught.value.message
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"variable file away\.tfvars: No such file"):
        variable_files.read([tmp_path / "away.tfvars"])


@pytest.mark.parametrize("text", ['variables = "a"', "variables {\n}\n", "variables = []"])
def test_a_variable_that_is_not_a_map_is_reported(tmp_path: Path, text: str) -> None:
    variables = variable_files.read(write(tmp_path, a_tfvars=text))
    with pytest.raises(ConfigError, match="variables is not a map in the variable files"):
        variable_files.strings(variables, "variables")


def test_entries_are_added_to_the_effective_file(tmp_path: Path) -> None:
    """Terraform uses the last file that assigns a variable: entries in an earlier one would have no effect."""
    files = write(tmp_path, a_tfvars="variables = {}\n", b_tfvars="# ours\nvariables = {}\n", c_tfvars="a = 1\n")
    assert variable_files.add(files, "variables", {"ECS_A": "1"}) == files[1]
    assert variable_files.add(files, "secrets", {"B": "ssm:/b"}) == files[0]
    assert variable_files.read(files) == {"variables": {"ECS_A": "1"}, "secrets": {"B": "ssm:/b"}, "a": "1"}
    assert files[1].read_text() == '# ours\nvariables = {\n  ECS_A = "1"\n}\n'
    assert files[2].read_text() == "a = 1\n"


def test_entries_are_added_to_a_json_file(tmp_path: Path) -> None:
    files = write(tmp_path, a_tfvars_json='{"services": {"web": {"wave": 2}}, "variables": {"ECS_A": "é"}}')
    variable_files.add(files, "variables", {"ECS_B": "${b}"})
    variable_files.add(files, "secrets", {"C": "ssm:/c"})
    assert json.loads(files[0].read_text()) == {
        "services": {"web": {"wave": 2}},
        "variables": {"ECS_A": "é", "ECS_B": "${b}"},
        "secrets": {"C": "ssm:/c"},
    }


@pytest.mark.parametrize("name", ["a.tfvars", "a.tfvars.json"])
def test_a_file_without_a_map_stays_unchanged(tmp_path: Path, name: str) -> None:
    content = b'{"variables": 1}' if name.endswith("json") else b"variables = 1\n"
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"variable file {name}: variables is not a map"):
        variable_files.add([tmp_path / name], "variables", {"ECS_A": "1"})
    assert (tmp_path / name).read_bytes() == content


def test_a_signal_while_a_file_is_written_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = write(tmp_path, a_tfvars='variables = { A = "1" }\n')
    file.chmod(0o640)
    link = tmp_path / "link.tfvars"
    link.symlink_to(file)
    variable_files.add([link], "variables", {"B": "2"})
    assert variable_files.read([file])["variables"] == {"A": "1", "B": "2"}
    assert (stat.S_IMODE(file.stat().st_mode), link.is_symlink()) == (0o640, True)
    before = file.read_bytes()

    def stop(path: Path, content: bytes) -> int:
        with path.open("wb") as partial:
            partial.write(content[:5])
        raise StoppedBySignal(signal.SIGTERM)

    monkeypatch.setattr(Path, "write_bytes", stop)
    with pytest.raises(StoppedBySignal):
        variable_files.add([file], "variables", {"C": "3"})
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tfvars", "link.tfvars"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("x.tfvars", 'a = "\\U00110000"', "invalid HCL: U+110000 is not a character"),
        ("x.tfvars", 'a = "\\ud800"', "invalid HCL: U+D800 is not a character"),
        ("x.tfvars", f"a = {'[' * 500}{']' * 500}", "invalid HCL: nested too deeply"),
        ("x.tfvars", "a = 1e999999999", "a number is too large, or too close to 0"),
        ("x.tfvars.json", f'{{"a": {"[" * 20000}', "a number of thousands of digits, or values in hundreds of levels"),
        ("x.tfvars.json", '{"a": 1e999999999}', "a number is too large, or too close to 0"),
    ],
)
def test_values_that_no_variable_has(name: str, text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=re.escape(f"variable file {name}: {problem}")) as caught:
        variable_files.read([tmp_path / name])
    assert caught.value.hint
