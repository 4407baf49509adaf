from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longshore.config.target import Stack
from longshore.errors import StalePlanError, TerraformError, UnsavedStateError
from longshore.terraform.driver import PlanOptions, SavedPlan
from longshore.terraform.local import Terraform
from longshore.verdict import ExitCode, exit_code_of

SHEBANG = f"#!{sys.executable} -IS\n"
"""The interpreter itself: a version manager's python3 takes longer to start than the script to run."""

SCRIPT = """\
import json, os, sys, time
from pathlib import Path
here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    terraforms = {k: v for k, v in os.environ.items() if k.startswith("TF_")}
    calls.write(json.dumps({"args": sys.argv[1:], "env": terraforms}) + "\\n")
for argument in sys.argv:
    if argument.startswith("-out="):
        Path(argument[5:]).write_text("plan")
    if argument.startswith("-var-file=") and argument.endswith(".tfvars.json"):
        file = Path(argument[10:])
        (here / "variables").write_text(f"{file.stat().st_mode & 0o777:o} {file.read_text()} {file}")
answer = here / f"answer-{sys.argv[1]}"
left = here / f"leaves-{sys.argv[1]}"
if left.exists():
    Path("errored.tfstate").write_text(left.read_text())
noise = here / "noise"
if noise.exists():
    print(noise.read_text(), file=sys.stderr)
default = '{"type": "change_summary"}' if sys.argv[1] == "plan" else "{}"
print(answer.read_text() if answer.exists() else default)
code = here / f"code-{sys.argv[1]}"
sys.exit(int(code.read_text()) if code.exists() else 0)
"""


class Shim:
    """A program that stands in for terraform: it prints prepared answers and records its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binary = folder / "terraform"
        self.binary.write_text(SHEBANG + SCRIPT)
        self.binary.chmod(0o755)

    def answers(self, command: str, text: str, code: int = 0) -> None:
        (self.folder / f"answer-{command}").write_text(text)
        (self.folder / f"code-{command}").write_text(str(code))

    def calls(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Shim(folder)


@pytest.fixture
def terraform(shim: Shim, tmp_path: Path) -> Terraform:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text("# a root\n")
    values = tmp_path / "test.tfvars"
    values.write_text("")
    stack = Stack("test", root, (values,), tmp_path / "own" / "data", {"bucket": "b", "key": "k", "region": "r"})
    environ = os.environ | {
        "TF_CLI_ARGS_plan": "-refresh=false",
        "TF_VAR_image_tag": "v9",
        "TF_VAR_variables": "{}",
        "TF_WORKSPACE": "dev",
        "TF_DATA_DIR": "/elsewhere",
        "TF_INPUT": "1",
        "TF_LOG": "off",
        "TF_TOKEN_app_terraform_io": "token",
        "TF_CLI_CONFIG_FILE": "/none",
    }
    return Terraform(stack, str(shim.binary), environ, cli_config=tmp_path / "terraform.rc")


def test_a_missing_binary_names_the_version_to_install(terraform: Terraform) -> None:
    missing = Terraform(terraform.stack, "terraform-that-is-not-there", terraform.environ)
    with pytest.raises(TerraformError, match=r"terraform\.binary") as caught:
        missing.check()
    assert "1.10" in caught.value.hint


def test_a_missing_folder_is_reported_before_terraform_starts(terraform: Terraform) -> None:
    (terraform.stack.directory / "main.tf").unlink()
    terraform.stack.directory.rmdir()
    with pytest.raises(TerraformError, match=r"there is no folder .*/root to run terraform in") as caught:
        terraform.check()
    assert "terraform.dir" in caught.value.hint


@pytest.mark.parametrize(("version", "fits"), [("1.9.8", False), ("1.10.0", True), ("1.11.4", True), ("2.0.0", True)])
def test_an_old_binary_is_refused(terraform: Terraform, shim: Shim, version: str, fits: bool) -> None:  # noqa: FBT001
    shim.answers("version", f'{{"terraform_version": "{version}"}}')
    if fits:
        assert terraform.check() == version
    else:
        with pytest.raises(TerraformError, match=r"is version 1\.9\.8"):
            terraform.check()


def test_init_runs_again_only_after_a_change(terraform: Terraform, shim: Shim) -> None:
    terraform.init()
    terraform.init()
    assert len(shim.calls()) == 1
    (terraform.stack.directory / "main.tf").write_text("# another\n")
    terraform.init()
    assert len(shim.calls()) == 2
    backend = terraform.stack.data_dir / "backend.tfbackend"
    assert stat.S_IMODE(backend.stat().st_mode) == 0o600
    assert backend.read_text() == 'bucket = "b"\nkey = "k"\nregion = "r"\n'


def test_a_plan_is_private_and_its_tag_overrides_the_variable_files(terraform: Terraform, shim: Shim) -> None:
    with terraform.plan({"image_tag": "v1"}) as saved:
        assert not saved.changed
        assert stat.S_IMODE(saved.file.stat().st_mode) == 0o600
    assert not saved.file.parent.exists()
    text = (shim.folder / "variables").read_text()
    mode, file = text.split(" ", 1)[0], text.rsplit(" ", 1)[1]
    variables = text[len(mode) + 1 : -len(file) - 1]
    assert (mode, variables) == ("600", '{"image_tag": "v1"}')
    assert not Path(file).exists()
    arguments = shim.calls()[-1]["args"]
    assert isinstance(arguments, list)
    files = [argument for argument in arguments if argument.startswith("-var-file=")]
    assert files == [f"-var-file={terraform.stack.var_files[0]}", f"-var-file={file}"]
    assert {"-lock-timeout=60s", "-input=false", "-json"} <= set(arguments)
    assert "-detailed-exitcode" not in arguments


@pytest.mark.parametrize("plan_only", [False, True])
def test_a_plan_that_is_never_applied_takes_no_lock(terraform: Terraform, shim: Shim, plan_only: object) -> None:
    """With the S3 backend, the lock would be an object that is written."""
    with terraform.plan(options=PlanOptions(plan_only=bool(plan_only))):
        arguments = shim.calls()[-1]["args"]
    assert ("-lock=false" in arguments) == plan_only  # type: ignore[operator]


def test_targets_and_refresh_only_become_arguments(terraform: Terraform, shim: Shim) -> None:
    addresses = ['module.services["web"].aws_ecs_task_definition.this', "aws_ecs_task_definition.migrate"]
    with terraform.plan(options=PlanOptions(targets=addresses)):
        pass
    arguments = shim.calls()[-1]["args"]
    assert isinstance(arguments, list)
    assert [a for a in arguments if a.startswith("-target")] == [f"-target={address}" for address in addresses]
    assert "-refresh-only" not in arguments
    with terraform.plan(options=PlanOptions(refresh_only=True)):
        pass
    arguments = shim.calls()[-1]["args"]
    assert isinstance(arguments, list)
    assert "-refresh-only" in arguments
    assert not [a for a in arguments if a.startswith("-target")]


LOGGED = """2026-11-29T04:51:13.120+0000 [INFO]  Terraform version: 1.11.4
mise WARN  missing: node@20
{"@level":"info"}"""


@pytest.mark.parametrize("command", ["version", "show", "output", "plan", "apply"])
def test_lines_on_standard_error_do_not_matter(terraform: Terraform, shim: Shim, command: str) -> None:
    (shim.folder / "noise").write_text(LOGGED)
    shim.answers("version", '{\n  "terraform_version": "1.11.4"\n}')
    shim.answers("show", '{"values": {}}')
    shim.answers("output", '{\n  "release": {"value": 1}\n}\n')
    reads: dict[str, tuple[Callable[[], Any], Any]] = {
        "version": (terraform.check, "1.11.4"),
        "show": (terraform.state, {"values": {}}),
        "output": (terraform.outputs, {"release": 1}),
        "plan": (lambda: terraform.plan().__enter__().changed, False),
        "apply": (lambda: terraform.apply(PLAN), {}),
    }
    call, expected = reads[command]
    assert call() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[command]/opt/terraform output -json\n{\n  "a": {"value": 1}\n}\n::debug::done', {"a": 1}),
        ('{ not json\n{"a": {"value": 2}}', {"a": 2}),
        ("{}", {}),
    ],
)
def test_a_document_is_found_between_other_lines(
    terraform: Terraform, shim: Shim, text: str, expected: dict[str, int]
) -> None:
    shim.answers("output", text)
    assert terraform.outputs() == expected


@pytest.mark.parametrize("command", ["version", "show", "state", "output", "plan"])
def test_a_program_that_is_not_terraform_is_quoted(terraform: Terraform, shim: Shim, command: str) -> None:
    shim.answers({"state": "show"}.get(command, command), "No version is set for command terraform")
    with pytest.raises(TerraformError, match="No version is set") as caught:
        {**LOOKS, "version": Terraform.check}[command](terraform)
    assert "printed no JSON" in caught.value.hint


def test_colours_are_left_out_of_a_message(terraform: Terraform, shim: Shim) -> None:
    (shim.folder / "noise").write_text("\x1b[31m\u2577\x1b[0m\x1b[0m \x1b[1;31mError: no state\x1b[0m")
    shim.answers("output", "\x1b[1mnothing\x1b[0m", code=1)
    with pytest.raises(TerraformError) as failed:
        terraform.outputs()
    assert failed.value.message == "terraform output of test failed:\nnothing\n\u2577 Error: no state"


def test_the_message_of_a_shim_that_fails_is_shown(terraform: Terraform, shim: Shim) -> None:
    (shim.folder / "noise").write_text("No version is set for command terraform")
    shim.answers("version", "", code=126)
    with pytest.raises(TerraformError, match="No version is set"):
        terraform.check()


def test_a_relative_program_is_meant_from_here(
    terraform: Terraform, shim: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shim.folder.parent)
    shim.answers("version", '{"terraform_version": "1.11.4"}')
    assert replace(terraform, binary="./bin/terraform").check() == "1.11.4"
    relative = {**terraform.environ, "PATH": f"bin:{os.environ['PATH']}"}
    assert replace(terraform, binary="terraform", environ=relative).check() == "1.11.4"


def test_a_program_that_cannot_be_run_is_named(terraform: Terraform, shim: Shim) -> None:
    shim.binary.write_text("no program")
    with pytest.raises(TerraformError, match=r"cannot run .*terraform.*Exec format error"):
        terraform.check()


def test_the_state_is_read_as_json(terraform: Terraform, shim: Shim) -> None:
    shim.answers("show", '{"values": {"root_module": {}}}')
    assert terraform.state() == {"values": {"root_module": {}}}
    assert shim.calls()[-1]["args"] == ["show", "-json"]


SUMMARY = '{"type": "change_summary", "changes": {"add": 0, "change": 0, "remove": 0, "operation": "plan"}}'
CREATE = '{"type": "planned_change", "change": {"action": "create"}}'
DRIFT = '{"type": "resource_drift", "change": {"action": "update"}}'


@pytest.mark.parametrize(
    ("events", "refresh_only", "changed"),
    [
        ([SUMMARY], False, False),
        ([CREATE, SUMMARY], False, True),
        ([SUMMARY, '{"type": "outputs", "outputs": {"release": {"action": "noop"}}}'], False, False),
        ([SUMMARY, '{"type": "outputs", "outputs": {"release": {"action": "update"}}}'], False, True),
        (['{"type": "planned_change", "change": {"action": "move"}}', SUMMARY], False, True),
        ([DRIFT, SUMMARY], False, False),
        ([DRIFT, SUMMARY], True, True),
        (["[command]/opt/terraform plan", "::debug::x", CREATE, SUMMARY, "::set-output name=exitcode::2"], False, True),
    ],
)
def test_changes_are_read_from_the_plan_and_not_from_the_exit_code(
    terraform: Terraform, shim: Shim, events: list[str], *, refresh_only: bool, changed: bool
) -> None:
    """A wrapper in front of terraform may replace the exit code, and print lines of its own."""
    shim.answers("plan", "\n".join(events))
    with terraform.plan(options=PlanOptions(refresh_only=refresh_only)) as saved:
        assert saved.changed is changed


def test_a_provider_under_development_is_refused(terraform: Terraform, shim: Shim) -> None:
    warning = {
        "severity": "warning",
        "summary": "Provider development overrides are in effect",
        "detail": "The following are set in the CLI configuration:\n - hashicorp/aws in /home/ann/aws",
    }
    shim.answers("plan", "\n".join([json.dumps({"type": "diagnostic", "diagnostic": warning}), SUMMARY]))
    with pytest.raises(TerraformError, match="hashicorp/aws in /home/ann/aws") as refused, terraform.plan():
        pass
    assert "~/.terraformrc" in refused.value.hint


def test_a_plan_is_inspected_when_it_is_shown(terraform: Terraform, shim: Shim) -> None:
    shim.answers("show", '{"prior_state": {}}')
    inspected: list[object] = []
    with replace(terraform, inspect=inspected.append).plan() as saved:
        replace(terraform, inspect=inspected.append).show(saved)
    assert inspected == [{"prior_state": {}}]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("api error ExpiredToken: The security token included in the request is expired", "aws sso login"),
        ("Error: No valid credential sources found", "export-credentials"),
        ("Error acquiring the state lock", "state.unlock"),
        ("NoSuchBucket", "invoke bootstrap"),
    ],
)
def test_a_failure_has_a_hint(terraform: Terraform, shim: Shim, text: str, hint: str) -> None:
    shim.answers("plan", text, code=1)
    with pytest.raises(TerraformError) as failed, terraform.plan():
        pass
    assert hint in failed.value.hint


def test_a_workspace_that_was_selected_by_hand_is_left(terraform: Terraform) -> None:
    terraform.stack.data_dir.mkdir(parents=True)
    selected = terraform.stack.data_dir / "environment"
    selected.write_text("dev")
    terraform.init()
    assert not selected.exists()


def test_a_lock_is_released_by_its_id(terraform: Terraform, shim: Shim) -> None:
    terraform.unlock("0000-1111")
    assert shim.calls()[-1]["args"] == ["force-unlock", "-force", "0000-1111"]
    shim.answers("force-unlock", "Failed to unlock state: lock ID does not match", code=1)
    with pytest.raises(TerraformError, match="lock ID does not match"):
        terraform.unlock("wrong")


def test_the_environment_cannot_override_the_variables(terraform: Terraform, shim: Shim) -> None:
    with terraform.plan() as saved:
        assert not saved.changed
    environment = shim.calls()[-1]["env"]
    assert environment == {
        "TF_DATA_DIR": str(terraform.stack.data_dir),
        "TF_IN_AUTOMATION": "1",
        "TF_LOG": "off",
        "TF_TOKEN_app_terraform_io": "token",
    }


def test_a_cli_configuration_of_the_repository_is_used(terraform: Terraform, shim: Shim) -> None:
    assert terraform.cli_config is not None
    terraform.cli_config.write_text("")
    terraform.init()
    environment = shim.calls()[-1]["env"]
    assert isinstance(environment, dict)
    assert environment["TF_CLI_CONFIG_FILE"] == str(terraform.cli_config)


def test_an_error_quotes_terraforms_diagnostics_with_addresses(terraform: Terraform, shim: Shim) -> None:
    diagnostic = (
        '{"@message":"Error","type":"diagnostic","diagnostic":{"severity":"error","summary":"Bad",'
        '"detail":"It is bad.","address":"aws_ecs_service.this"}}'
    )
    shim.answers("plan", f"{diagnostic}\nsome noise", code=1)
    with pytest.raises(TerraformError) as caught, terraform.plan():
        pass
    assert "Bad (aws_ecs_service.this): It is bad." in caught.value.message
    assert "noise" not in caught.value.message


PLAN = SavedPlan(Path("plan"), changed=True)
LOOKS: dict[str, Callable[[Terraform], Any]] = {
    "init": Terraform.init,
    "plan": lambda terraform: terraform.plan().__enter__(),
    "show": lambda terraform: terraform.show(PLAN),
    "state": Terraform.state,
    "apply": lambda terraform: terraform.apply(PLAN),
    "output": Terraform.outputs,
}


@pytest.mark.parametrize("behind", [3990, 3999, 4000])
@pytest.mark.parametrize("command", LOOKS)
def test_output_is_masked_before_it_is_cut(terraform: Terraform, shim: Shim, command: str, behind: int) -> None:
    terraform.masks.hide(["canary-7f3a9c"])
    shim.answers({"state": "show"}.get(command, command), f"{'x' * 5000} canary-7f3a9c{'y' * (behind - 1)}", code=1)
    with pytest.raises(TerraformError) as caught:
        LOOKS[command](terraform)
    assert "yyy" in caught.value.message
    assert "7f3a9c" not in caught.value.message


def test_a_stale_plan_has_its_own_error(terraform: Terraform, shim: Shim) -> None:
    stale = '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Saved plan is stale"}}'
    shim.answers("apply", stale, code=1)
    with pytest.raises(StalePlanError):
        terraform.apply(SavedPlan(Path("plan"), changed=True))


def test_outputs_come_from_the_apply_itself(terraform: Terraform, shim: Shim) -> None:
    done = '{"@message":"this: Creation complete","type":"apply_complete"}'
    outputs = (
        '{"@message":"Outputs: 1","type":"outputs","outputs":{"release":{"sensitive":false,"value":{"schema":1}}}}'
    )
    shim.answers("apply", f"{done}\n{outputs}")
    seen: list[str] = []
    assert terraform.apply(SavedPlan(Path("plan"), changed=True), seen.append) == {"release": {"schema": 1}}
    assert seen == ["this: Creation complete"]


def test_an_unsaved_state_is_kept_and_blocks_until_it_is_pushed(shim: Shim, terraform: Terraform) -> None:
    shim.answers("apply", '{"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "no S3"}}', code=1)
    (shim.folder / "leaves-apply").write_text("secret state")
    with pytest.raises(UnsavedStateError, match="no S3") as caught:
        terraform.apply(SavedPlan(Path("plan"), changed=True))
    assert exit_code_of(caught.value) == ExitCode.APPLY
    kept = terraform.unsaved.kept
    assert kept.read_text() == "secret state"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not (terraform.stack.directory / "errored.tfstate").exists()
    for part in ("state push", str(kept), str(terraform.stack.data_dir), "invoke state.unlock"):
        assert part in caught.value.hint
    with pytest.raises(UnsavedStateError), terraform.plan():
        pass
    with pytest.raises(UnsavedStateError):
        terraform.check()
    kept.unlink()
    terraform.refuse_unsaved()


def test_a_state_left_by_another_terraform_process_is_found(terraform: Terraform, shim: Shim) -> None:
    """For example by one that outlived a release that was killed."""
    left = terraform.stack.directory / "errored.tfstate"
    left.write_text('{"lineage": "1d9d", "serial": 8}')
    shim.answers("state", '{"version": 4,\n"lineage": "another", "serial": 7}')
    with pytest.raises(UnsavedStateError, match="may not belong to test"):
        terraform.check()
    assert shim.calls()[-1]["args"] == ["state", "pull"]
    shim.answers("state", "no backend", code=1)
    with pytest.raises(UnsavedStateError, match="may not belong to test"):
        terraform.check()
    assert left.exists()
    shim.answers("state", '{\n"lineage": "1d9d", "serial": 7}')
    with pytest.raises(UnsavedStateError, match="The unsaved state of test is in"):
        terraform.check()
    assert terraform.unsaved.kept.exists()
    assert not left.exists()


def test_an_interrupt_is_forwarded_once_and_terraform_ends_first(tmp_path: Path) -> None:
    """Terraform saves its state before it ends, so Longshore must not end first."""
    binary = tmp_path / "terraform"
    binary.write_text(
        f"{SHEBANG}import signal, sys, time, pathlib\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "def stop(*_):\n    time.sleep(0.5)\n    (here / 'saved').write_text('state')\n    sys.exit(1)\n"
        "signal.signal(signal.SIGINT, stop)\n(here / 'ready').write_text('')\ntime.sleep(20)\n"
    )
    binary.chmod(0o755)
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom longshore.config.target import Stack\n"
        "from longshore.terraform.local import *\n"
        # A test run in the background may have inherited an ignored SIGINT.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"root = Path({str(tmp_path)!r})\n"
        "Terraform(Stack('t', root, (), root / 'data', {}), str(root / 'terraform'), os.environ).check()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 10
        while not (tmp_path / "ready").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (tmp_path / "saved").read_text() == "state"
    assert "KeyboardInterrupt" in errors
