from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from longshore.tasks import namespace
from longshore.tasks.common import LETTERS

INVOKE = [sys.executable, "-m", "invoke"]
YAML = """
longshore:
  applications:
    shop:
      region: eu-central-1
      environments:
        sandbox: {endpoint: sandbox, account: "123456789012"}
        aws: {account: "123456789012", endpoint: "http://127.0.0.1:9"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with its own tasks.py of two lines, and an invoke.yaml."""
    (tmp_path / "tasks.py").write_text('"""The release tasks."""\nfrom longshore.tasks import namespace\n')
    (tmp_path / "invoke.yaml").write_text(YAML)
    return tmp_path


def run(folder: Path, *arguments: str, program: list[str] = INVOKE, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "INVOKE_"))}
    return subprocess.run(
        [*program, *arguments],
        cwd=folder,
        env=kept | {"PYTHONWARNINGS": "default", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder)} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_task_has_one_line_of_help(project: Path) -> None:
    listed = run(project, "--list").stdout.splitlines()
    tasks = {line.split()[0]: " ".join(line.split()[1:]) for line in listed[2:] if line.strip()}
    assert set(tasks) == {
        "ci.engine", "ci.exports", "ci.login", "ci.ordered", "env.import",
        "apply", "continue", "drift", "restart", "scale", "state.unlock",
        "bootstrap", "build", "destroy", "doctor", "history", "plan", "promote", "prune", "push", "release", "rollback",
        "show", "status", "version", "lock.free", "lock.status", "lock.take",
        "sandbox.up", "sandbox.down", "sandbox.status", "sandbox.fault", "sandbox.repository",
    }  # fmt: skip
    assert all(text.endswith(".") for text in tasks.values())


SHORT_FLAGS = {
    "apply": "aejy", "bootstrap": "aey", "build": "aet", "ci.exports": "", "ci.engine": "", "ci.login": "ae",
    "ci.ordered": "ae", "destroy": "ae", "doctor": "ae", "drift": "aej", "env.import": "ae", "history": "aej",
    "continue": "aejy",
    "lock.free": "ae", "lock.status": "aej", "lock.take": "ae", "plan": "aet", "promote": "ajy", "prune": "aey",
    "push": "aet", "release": "abejty", "restart": "aejy", "rollback": "aejy", "sandbox.down": "",
    "sandbox.fault": "j", "sandbox.repository": "", "sandbox.status": "j", "sandbox.up": "", "scale": "aejy",
    "show": "aej", "state.unlock": "ae", "status": "aej", "version": "abe",
}  # fmt: skip
"""Every short flag of every task: none lowers a guard, and each letter means the same in all of them."""


def lettered() -> dict[str, dict[str, str]]:
    """The long names of the flags that have a letter, by that letter, of each task."""
    arguments = {context.name: context.args.values() for context in namespace.to_contexts()}
    return {
        str(task): {name: argument.name for argument in known for name in argument.names if len(name) == 1}
        for task, known in arguments.items()
    }


def test_the_short_flags_of_every_task() -> None:
    assert {task: "".join(sorted(letters)) for task, letters in lettered().items()} == SHORT_FLAGS
    meanings = {(letter, name) for letters in lettered().values() for letter, name in letters.items()}
    assert dict(meanings) == {letter: name for name, letter in LETTERS.items()}
    assert len(meanings) == len(LETTERS)
    assert [name for name in LETTERS if name.startswith("allow") or name in ("force", "rebuild", "abort")] == []


def test_release_has_no_flag_f(project: Path) -> None:
    answer = run(project, "release", "-f")  # Invoke's own --config, without its value
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--config (-f)" in answer.stderr
    text = run(project, "release", "--help").stdout
    assert "--, " not in text
    assert "\n  --allow-failed-version " in text


@pytest.mark.scenario  # takes longer than the fast tests may
def test_the_command_longshore_has_the_same_tasks(project: Path) -> None:
    program = [sys.executable, "-c", "from longshore.program import main; main()"]
    listed = run(project, "--list", program=program).stdout
    assert all(line in listed for line in run(project, "--list").stdout.splitlines()[2:])
    answer = run(project / "..", "version", program=program)
    assert answer.returncode == 2
    (project / "below").mkdir()
    assert "no sandbox is running" in run(project / "below", "version", program=program).stderr


def test_listing_imports_nothing_heavy(project: Path) -> None:
    code = (
        "import sys, longshore.tasks; print(sorted({'boto3', 'rich', 'pydantic', 'moto', 'docker'} & set(sys.modules)))"
    )
    assert run(project, "-c", code, program=[sys.executable]).stdout == "[]\n"


@pytest.mark.scenario  # a process each
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["release", "--ys"], 2, "--ys"),
        (["relese"], 2, "relese"),
        (["release", "-e", "sandbx"], 2, "did you mean 'sandbox'?"),
        (["release", "-a", "shp"], 2, "did you mean 'shop'?"),
        (["release", "--bump", "huge"], 2, "patch, minor or major"),
        (["release", "--tag", "unreleased"], 2, "cannot be released"),
        (["release", "--tag", "v1.0"], 2, "v1.0"),
        (["release", "--tag", "v1.0.0", "--rebuild"], 2, "--rebuild"),
        (["scale"], 2, "no service was named"),
        (["scale", "web=3", "worker"], 2, "'worker' is not SERVICE=COUNT"),
        (["scale", "web=3", "web=4"], 2, "'web=4' names web a second time"),
        (["scale", "web=-1"], 2, "is not SERVICE=COUNT"),
        (["scale", "--yes", "web=3", "worker=1"], 2, "invoke sandbox.up"),
        (["scale", "web=3", "--yes", "-e", "sandbx"], 2, "did you mean 'sandbox'?"),
        (["restart", "web", "--wait-lock", "soon"], 2, "--wait-lock 'soon'"),
        (["restart", "web", "--ys"], 2, "--ys"),
        (["apply", "web"], 2, "'web'"),
        (["prune", "--keep", "0"], 2, "--keep must be at least 1"),
        (["prune"], 1, "cannot determine which images sandbox still needs"),
        (["version"], 1, "invoke sandbox.up"),
        (["doctor"], 2, "invoke sandbox.up"),
        (["history"], 1, "invoke sandbox.up"),
        (["state.unlock"], 1, "invoke sandbox.up"),
        (["drift"], 2, "invoke sandbox.up"),
        (["sandbox.status"], 1, "invoke sandbox.up"),
        (["sandbox.repository"], 1, "invoke sandbox.up"),
        (["sandbox.repository", "--name", "shop"], 1, "invoke sandbox.up"),
    ],
)
def test_bad_input_is_an_error_without_a_traceback(
    project: Path, arguments: list[str], code: int, message: str
) -> None:
    answer = run(project, *arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.scenario  # a process each
@pytest.mark.parametrize("command", ["release", "rollback", "status", "history"])
def test_with_json_a_refusal_is_one_document(project: Path, command: str) -> None:
    answer = run(project, command, "--json")
    assert answer.returncode != 0
    document = json.loads(answer.stdout)
    assert (document["verdict"], document["exit_code"]) == (None, answer.returncode)
    assert document["message"]


@pytest.mark.scenario  # a process each
def test_missing_credentials_and_an_endpoint_that_does_not_answer(project: Path) -> None:
    without = run(project, "version", "-e", "aws")
    assert without.returncode == 1
    assert "credentials" in without.stderr.lower()
    silent = run(
        project, "history", "-e", "aws", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_MAX_ATTEMPTS="1"
    )
    assert silent.returncode == 1
    assert "127.0.0.1:9" in silent.stderr


@pytest.mark.scenario  # takes longer than the fast tests may
def test_all_mistakes_are_reported_at_once(project: Path) -> None:
    (project / "invoke.yaml").write_text(YAML.replace("region:", "regoin:").replace("endpoint: sandbox", "endpiont: x"))
    answer = run(project, "release")
    assert answer.returncode == 2
    assert "3 errors" in answer.stderr
    assert "longshore.applications.shop.regoin: unknown key; did you mean 'region'?" in answer.stderr
    assert "longshore.applications.shop.region: is missing" in answer.stderr
    assert "longshore.applications.shop.environments.sandbox.endpiont" in answer.stderr


@pytest.mark.scenario  # takes longer than the fast tests may
def test_a_variable_of_invoke_overrides_a_key(project: Path) -> None:
    answer = run(
        project, "version", INVOKE_LONGSHORE_APPLICATIONS_SHOP_ENVIRONMENTS_SANDBOX_ENDPOINT="http://127.0.0.1:9"
    )
    assert "no sandbox" not in answer.stderr


@pytest.mark.scenario  # takes longer than the fast tests may
def test_the_sandbox_without_its_packages_names_the_extra_to_install(project: Path) -> None:
    """After `pip install longshore` without the extra."""
    code = "import sys; sys.modules['docker'] = None; from longshore.program import main; main()"
    answer = run(project, "sandbox.up", program=[sys.executable, "-c", code])
    assert answer.returncode == 1
    assert "longshore[sandbox]" in answer.stderr
    assert "Traceback" not in answer.stderr
