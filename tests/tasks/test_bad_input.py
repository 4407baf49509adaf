"""Bad input of any kind: one message with the next step, exit code 2, a document if one was asked for, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longshore import program
from longshore.program import Longshore
from longshore.tasks import namespace

YAML = """
longshore:
  applications:
    shop:
      region: eu-central-1
      environments:
        aws: {account: "123456789012", endpoint: "http://127.0.0.1:9"}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "invoke.yaml").write_text(YAML)
    return tmp_path


def run(*arguments: str) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        Longshore(namespace=namespace, binary="invoke").run(["invoke", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("longshore:\n\tx: 1\n", "invoke.yaml, line 2, column 1: found character '\\t' that cannot start any token"),
        ("- a\n", "invoke.yaml must be a mapping of keys to values, such as longshore: …, not a list"),
        ("longshore: [a]\n", "invoke.yaml: longshore must be a mapping of keys to values, not a list"),
        ("longshore: text\n", "invoke.yaml: longshore must be a mapping of keys to values, not 'text'"),
        ("longshore:\n", "invoke.yaml has no settings under longshore:"),
        ("", "invoke.yaml has no settings under longshore:"),
        (
            "run: 5\nlongshore: {}\n",
            "invoke.yaml: run must be a mapping, or must not be one, as in Invoke's own settings",
        ),
        ("run: {env: 5}\n", "invoke.yaml: run.env must be a mapping, or must not be one, as in Invoke's own settings"),
    ],
)
def test_settings_that_cannot_be_read(
    text: str, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "invoke.yaml").write_text(text)
    assert run("history", "--json") == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["verdict"], document["message"], document["exit_code"]) == (None, message, 2)
    assert err == f"error: {message}\n  → {document['hint']}\n"
    assert document["hint"]
    assert list(project.iterdir()) == [project / "invoke.yaml"]


def test_the_tasks_are_listed_although_the_settings_cannot_be_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "invoke.yaml").write_text("\t")
    assert run("--list") == 0
    assert "history" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["items", "get", "keys", "clone"])
def test_a_key_with_the_name_of_a_method_is_a_key(key: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "invoke.yaml").write_text(f"{YAML.replace('shop', key)}\n{key}: 5\n")
    assert run("history", "-e", "nowhere", "--json") == 2
    assert json.loads(capsys.readouterr().out)["message"] == f"there is no environment of {key} 'nowhere'"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("no.yaml", None, "there is no file no.yaml (option --config)"),
        ("x.toml", "a = 1", "Config files of type 'toml' (from file 'x.toml') are not supported!"),
        ("x.py", "1 / 0", "x.py failed with ZeroDivisionError: division by zero"),
        ("x.json", "[]", "x.json must be a mapping of keys to values"),
    ],
)
def test_a_file_given_on_the_command_line(
    file: str, text: str | None, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (project / file).write_text(text)
    assert run("-f", file, "history", "--json") == 2
    assert json.loads(capsys.readouterr().out)["message"].startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["history", "--limit", "-1"], "--limit must be at least 1, not -1"),
        (["history", "--limit", "x"], "history needs a number for --limit, not 'x'"),
        (["history", "--limit", "9" * 5000], f"history needs a number for --limit, not '{'9' * 59}…"),
        (["history", "-e", "aw"], "there is no environment of shop 'aw'; did you mean 'aws'?"),
        (["history", "-e", ""], "there is no environment of shop ''"),
        (["history", "-e", "a\nb\x1b"], "there is no environment of shop 'a\\nb\\x1b'"),
        (["history", "-a", "shp"], "there is no application 'shp'; did you mean 'shop'?"),
        (["scale", "web=" + "9" * 5000], f"'web={'9' * 55}…: the count is too large"),
        (["scale", "web=٣"], "'web=٣' is not SERVICE=COUNT"),
        (["restart", "web", "--wait-lock", "9" * 5000 + "m"], f"--wait-lock '{'9' * 40}' is not a duration"),
        (["relese"], "invoke has no task 'relese'; did you mean release?"),
        (["release", "--ys"], "release has no flag --ys; did you mean --yes?"),
    ],
)
def test_a_value_on_the_command_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments, "--json") == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["verdict"], document["message"], document["exit_code"]) == (None, message, 2)
    assert document["hint"]
    assert err == f"error: {message}\n  → {document['hint']}\n"


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_does_not_exist(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sandbox.up", "--port", port) == 2
    assert capsys.readouterr().err.startswith(f"error: --port must be from 0 to 65535, not {port}\n")


def test_a_file_in_the_place_of_our_folder(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".longshore").touch()
    assert run("history", "-e", "aws", "--json") == 2
    assert json.loads(capsys.readouterr().out)["message"] == (
        f"{project}/.longshore is not a folder, but Longshore keeps its files there"
    )


def test_a_file_in_the_place_of_invoke_yaml_hides_no_project(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "below" / "invoke.yaml").mkdir(parents=True)
    monkeypatch.chdir(project / "below")
    assert run("history", "-e", "aws") == 2
    assert capsys.readouterr().err.startswith("error: invoke.yaml is not a file\n")


def test_the_current_folder_is_gone(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    monkeypatch.setattr("sys.argv", ["longshore", "history", "--json"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: the current folder does not exist any more\n")
