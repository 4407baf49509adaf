"""The driver against the sandbox's Terraform Cloud, in this process; only terraform itself is scripted."""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from longshore.config.target import Stack
from longshore.errors import InterruptError, PlanError, TerraformError, UnsavedStateError
from longshore.masking import Masks
from longshore.sandbox.terraform_cloud.model import Run, Workspace
from longshore.terraform import gate
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.driver import CloudDriver, CloudPlan, Timeouts
from longshore.terraform.cloud.runs import Notifier
from longshore.terraform.driver import PlanOptions
from longshore.terraform.local import Terraform
from longshore.terraform.plan import changes
from tests.fakes.terraform_cloud import ADDRESS, HOST, TOKEN, ScriptedExecution, StandIn, quick_clock, stand_in

ARGUMENTS = "-var-file=../../environments/test.tfvars"


@dataclass
class Scene:
    """A repository, a Terraform Cloud, and the driver between them."""

    root: Path
    stage: StandIn
    execution: ScriptedExecution
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def driver(self, check: Callable[[], None] = lambda: None, timeout: float = 20) -> CloudDriver:
        clock = quick_clock(check)
        files = (self.root / "environments" / "test.tfvars",)
        data = self.root / ".longshore" / "data"
        stack = Stack("shop-test", self.root / "terraform" / "app", files, data, {}, ADDRESS)
        return CloudDriver(
            local=Terraform(stack, "terraform", {}),
            api=Api(HOST, TOKEN, self.stage, clock),
            workspace=ADDRESS,
            root=self.root,
            clock=clock,
            notifier=Notifier(self.messages.append, self.warnings.append),
            timeouts=Timeouts(timeout, 0.3),
            masks=Masks(),
        )

    def run(self) -> Run:
        """The newest run."""
        return list(self.stage.store.runs.values())[-1]

    def workspace(self) -> Workspace:
        return next(iter(self.stage.store.workspaces.values()))

    def scripted(self, *faults: str) -> None:
        self.stage.store.scripted += faults


@pytest.fixture
def empty(tmp_path: Path) -> Scene:
    root = tmp_path / "repository"
    for name, text in {
        "terraform/app/main.tf": "# the root",
        "terraform/modules/service/main.tf": "# a module",
        "terraform/app/.terraform/big": "no",
        "terraform/app/terraform.tfstate": "no",
        "terraform/app/tfplan": "no",
        "terraform/app/test.tfplan": "no",
        "environments/test.tfvars": 'region = "eu-central-1"\n',
        "src/app.py": "no",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    played = ScriptedExecution()
    return Scene(root, stand_in(tmp_path / "stand-in", played), played)


@pytest.fixture
def scene(empty: Scene) -> Scene:
    empty.driver().set_up()
    return empty


def test_set_up_creates_the_workspace_and_can_be_repeated(empty: Scene) -> None:
    driver = empty.driver()
    assert "does not exist yet" in driver.check(before_setup=True)
    with pytest.raises(TerraformError, match="no workspace acme/shop-test"):
        driver.check()
    assert driver.set_up() == [
        "workspace acme/shop-test: created",
        f"workspace acme/shop-test: TF_CLI_ARGS_plan {ARGUMENTS}",
    ]
    assert driver.set_up() == []
    attributes = empty.workspace().attributes
    assert (attributes["execution-mode"], attributes["auto-apply"], attributes["working-directory"]) == (
        "remote",
        False,
        "terraform/app",
    )
    assert driver.check() == "Terraform latest on Terraform Cloud, workspace acme/shop-test (remote)"


def test_set_up_fixes_a_workspace_and_keeps_other_arguments(scene: Scene) -> None:
    scene.workspace().attributes["working-directory"] = "infra"
    variable = next(iter(scene.workspace().variables.values()))
    variable["value"] = "-parallelism=5 -var-file=old.tfvars"
    with pytest.raises(TerraformError) as caught:
        scene.driver().check()
    assert "working directory is 'infra', not 'terraform/app'" in caught.value.message
    assert f"lacks {ARGUMENTS}" in caught.value.message
    assert "invoke bootstrap" in caught.value.hint
    assert len(scene.driver().set_up()) == 2
    assert variable["value"] == f"-parallelism=5 {ARGUMENTS}"
    scene.driver().check()
    assert scene.driver().set_up() == []


@pytest.mark.parametrize(
    "foreign", ["-var-file=../../environments/prod.tfvars", "-var-file ../../environments/prod.tfvars"]
)
def test_a_variable_file_of_another_environment_is_refused_and_removed(scene: Scene, foreign: str) -> None:
    variable = next(iter(scene.workspace().variables.values()))
    variable["value"] = f"{ARGUMENTS} {foreign} -parallelism=5"
    with pytest.raises(TerraformError, match=r"also has the variable file ../../environments/prod.tfvars"):
        scene.driver().check()
    scene.driver().set_up()
    assert variable["value"] == f"-parallelism=5 {ARGUMENTS}"
    scene.driver().check()


def test_invalid_arguments_are_a_terraform_error(scene: Scene) -> None:
    next(iter(scene.workspace().variables.values()))["value"] = "-var-file='half"
    for act in (scene.driver().check, scene.driver().set_up):
        with pytest.raises(TerraformError, match="a quotation mark is not closed"):
            act()


def test_sensitive_arguments_are_left_unchanged(scene: Scene) -> None:
    variable = next(iter(scene.workspace().variables.values()))
    variable |= {"value": None, "sensitive": True}
    assert scene.driver().set_up() == [
        f"workspace acme/shop-test: TF_CLI_ARGS_plan is sensitive, so it cannot be read and was not changed;"
        f" it must contain {ARGUMENTS}"
    ]
    assert variable["value"] is None


def test_a_workspace_with_auto_apply_is_refused(scene: Scene) -> None:
    scene.workspace().attributes["auto-apply"] = True
    driver = scene.driver()
    for act in (driver.check, driver.set_up, driver.plan({}).__enter__):
        with pytest.raises(TerraformError, match="auto-apply"):
            act()
    assert scene.stage.store.runs == {}


@pytest.mark.parametrize(
    ("name", "text"), [("a.tfvars", 'image_tag = "v1"\n'), ("a.tfvars.json", '{"image_tag": "v1"}')]
)
def test_a_variable_file_that_sets_the_tag_is_refused(scene: Scene, name: str, text: str) -> None:
    file = scene.root / "environments" / name
    file.write_text(text)
    driver = scene.driver()
    stack = replace(driver.local.stack, var_files=(file,))
    with pytest.raises(TerraformError, match="sets image_tag"):
        replace(driver, local=replace(driver.local, stack=stack)).check()


def test_a_root_outside_the_repository_is_refused(scene: Scene) -> None:
    driver = scene.driver()
    stack = replace(driver.local.stack, directory=scene.root.parent)
    with pytest.raises(TerraformError, match="outside"):
        replace(driver, local=replace(driver.local, stack=stack)).check()


def test_a_plan_is_shown_applied_and_its_outputs_read(scene: Scene) -> None:
    driver = scene.driver()
    events: list[str] = []
    with driver.plan({"image_tag": "v1.0.3"}, PlanOptions(on_event=events.append)) as plan:
        assert plan.changed
        assert stat.S_IMODE(plan.file.stat().st_mode) == 0o600
        assert [str(change) for change in changes(driver.show(plan))] == ["aws_ecs_task_definition.web: create"]
        outputs = driver.apply(plan, events.append)
    assert outputs == {"release": {"image_tag": '"v1.0.3"'}}  # the literal that terraform would read
    assert driver.outputs() == outputs
    assert not plan.file.exists()
    assert scene.run().seen == [
        "pending", "plan_queued", "planning", "planned", "cost_estimated", "policy_checking", "policy_checked",
        "confirmed", "apply_queued", "applying", "applied",
    ]  # fmt: skip
    assert "Plan: 1 to add" in events
    assert "web: Creating..." in events
    assert scene.run().message.startswith("Longshore: shop-test, image_tag v1.0.3 (plan and apply) [")
    assert scene.warnings == []


def test_only_the_folders_that_the_stack_needs_are_uploaded(scene: Scene) -> None:
    with scene.driver().plan({}):
        pass
    with tarfile.open(fileobj=io.BytesIO(scene.execution.configurations[0])) as archive:
        assert sorted(archive.getnames()) == [
            "environments/test.tfvars", "terraform/app/main.tf", "terraform/modules/service/main.tf"
        ]  # fmt: skip


def test_symbolic_links_are_uploaded_as_their_targets(scene: Scene, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "main.tf").write_text("# shared with another repository")
    (scene.root / "terraform" / "modules" / "shared").symlink_to(shared)
    (scene.root / "terraform" / "app" / "shared.tf").symlink_to(shared / "main.tf")
    (scene.root / "terraform" / "modules" / "again").symlink_to(scene.root / "terraform")
    with scene.driver().plan({}):
        pass
    with tarfile.open(fileobj=io.BytesIO(scene.execution.configurations[0])) as archive:
        assert all(member.isfile() for member in archive.getmembers())
        assert {"terraform/modules/shared/main.tf", "terraform/app/shared.tf"} <= set(archive.getnames())
        read = archive.extractfile("terraform/app/shared.tf")
        assert read and read.read() == b"# shared with another repository"


def test_a_plan_without_changes_applies_nothing(scene: Scene) -> None:
    driver = scene.driver()
    with driver.plan({"image_tag": "v1"}) as plan:
        driver.apply(plan)
    with driver.plan() as plan:
        assert not plan.changed
        assert driver.apply(plan) == {"release": {"image_tag": '"v1"'}}
    assert scene.run().status == "planned_and_finished"
    assert scene.execution.tags == ['"v1"']


def test_a_plan_that_is_not_applied_is_discarded(scene: Scene) -> None:
    with pytest.raises(PlanError, match="no thanks"), scene.driver().plan({"image_tag": "v1"}):
        raise PlanError("no thanks")
    _wait_for_end(scene)
    assert scene.run().status == "discarded"


def test_a_plan_only_run_cannot_be_applied(scene: Scene) -> None:
    with scene.driver().plan({"image_tag": "v1"}, PlanOptions(plan_only=True)) as plan:
        assert plan.changed
    assert scene.run().plan_only
    assert scene.run().status == "planned_and_finished"


def test_without_the_json_the_log_is_used_with_a_warning(scene: Scene) -> None:
    scene.scripted("json_forbidden")
    driver = scene.driver()
    with driver.plan({"image_tag": "v1"}) as plan:
        plan_changes = changes(driver.show(plan))
    assert [(c.address, c.actions) for c in plan_changes] == [("aws_ecs_task_definition.web", ("delete", "create"))]
    gate.check(plan_changes, gate.Allowed())
    assert "incomplete" in scene.warnings[0]


def test_without_json_and_a_complete_log_the_plan_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longshore.terraform.cloud.log._ENDS_WITHIN", 0.3)
    scene.scripted("log_cut_and_json_forbidden")
    with pytest.raises(TerraformError, match="cannot determine the changes"), scene.driver().plan({"image_tag": "v1"}):
        raise AssertionError("no plan was expected")
    _wait_for_end(scene)
    assert scene.run().status == "discarded"


@pytest.mark.parametrize(
    ("fault", "kind", "message", "status"),
    [
        ("policy_soft", PlanError, "policy failed", "discarded"),
        ("policy_hard", PlanError, "mandatory policy", "errored"),
        ("queued", TerraformError, "no plan after 1 s", "discarded"),
        ("unknown", TerraformError, "reticulating", "canceled"),
    ],
)
def test_a_plan_that_fails(scene: Scene, fault: str, kind: type[Exception], message: str, status: str) -> None:
    scene.scripted(fault)
    with pytest.raises(kind, match=message), scene.driver(timeout=1).plan({"image_tag": "v1"}):
        raise AssertionError("no plan was expected")
    _wait_for_end(scene)
    assert (scene.run().status, scene.execution.tags) == (status, [])


def test_terraforms_own_error_is_shown(scene: Scene) -> None:
    scene.execution.changes = None
    with pytest.raises(TerraformError, match="no region"), scene.driver().plan({"image_tag": "v1"}):
        raise AssertionError("no plan was expected")


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("discarded", PlanError, "discarded by another user"),
        ("canceled", TerraformError, "canceled by another user"),
        ("unknown_apply", TerraformError, "not applied after 1 s .reticulating"),
    ],
)
def test_an_apply_that_does_not_succeed(scene: Scene, fault: str, kind: type[Exception], message: str) -> None:
    scene.scripted(fault)
    driver = scene.driver(timeout=1)
    with pytest.raises(kind, match=message), driver.plan({"image_tag": "v1"}) as plan:
        driver.apply(plan)
    _wait_for_end(scene)
    assert scene.run().final
    assert scene.execution.tags == []


def test_a_failed_apply_shows_terraforms_error(scene: Scene) -> None:
    scene.execution.applies = False
    driver = scene.driver()
    with pytest.raises(TerraformError, match="no capacity"), driver.plan({"image_tag": "v1"}) as plan:
        driver.apply(plan)


def test_throttling_and_a_lost_response_change_nothing(scene: Scene) -> None:
    scene.scripted(*["throttled"] * 12, "lost")
    driver = scene.driver()
    with driver.plan({"image_tag": "v1"}) as plan:
        driver.apply(plan)
    assert len(scene.stage.store.runs) == 1
    assert scene.execution.tags == ['"v1"']


def test_a_plan_only_run_is_created_once_although_the_response_is_lost(scene: Scene) -> None:
    scene.scripted("lost")
    with scene.driver().plan({"image_tag": "v1"}, PlanOptions(plan_only=True)):
        assert len(scene.stage.store.runs) == 1


def test_a_signal_ends_a_queued_run(scene: Scene) -> None:
    scene.scripted("queued")
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 20:
            raise InterruptError(2)

    with pytest.raises(InterruptError), scene.driver(check).plan({"image_tag": "v1"}):
        raise AssertionError("no plan was expected")
    _wait_for_end(scene)
    assert scene.run().status == "discarded"


def test_an_unneeded_plan_is_given_up(scene: Scene) -> None:
    scene.scripted("queued")
    planning = scene.driver().plan({"image_tag": "v1"}, PlanOptions(still_needed=lambda: False))
    with pytest.raises(TerraformError, match="no longer needed"), planning:
        raise AssertionError("no plan was expected")


def test_the_wait_for_a_plan_after_a_rollback_is_shorter(scene: Scene) -> None:
    scene.scripted("queued")
    planning = scene.driver().plan({"image_tag": "v1"}, PlanOptions(after_rollback=True))
    with pytest.raises(TerraformError, match="place 1 in the queue"), planning:
        raise AssertionError("no plan was expected")


def test_a_second_run_waits_and_names_the_first(scene: Scene) -> None:
    driver = scene.driver(timeout=1)
    with driver.plan({"image_tag": "v1"}) as first:
        assert isinstance(first, CloudPlan)
        with pytest.raises(TerraformError, match=f"behind {first.run.id}"), driver.plan({"image_tag": "v2"}):
            raise AssertionError("no plan was expected")
        driver.apply(first)
    assert any(f"place 1 behind {first.run.id} (policy_checked" in message for message in scene.messages)


def test_a_workspace_connected_to_version_control_gets_no_upload(scene: Scene) -> None:
    with scene.driver().plan({}):
        pass  # leaves a configuration behind, as a push does
    before = len(scene.execution.configurations)
    scene.workspace().attributes["vcs-repo"] = {"identifier": "acme/shop", "branch": "main"}
    driver = scene.driver()
    with driver.plan({"image_tag": "v1"}) as plan:
        driver.apply(plan)
    assert len(scene.stage.store.configurations) == before


@pytest.mark.parametrize("command", ["plan"])
def test_in_local_mode_terraform_runs_in_a_copy_of_the_root(scene: Scene, tmp_path: Path, command: str) -> None:
    scene.workspace().attributes["execution-mode"] = "local"
    shim = tmp_path / "terraform"
    seen = tmp_path / "seen"
    shim.write_text(
        "#!/bin/sh\n"
        f'echo "$1 $PWD $TF_CLOUD_ORGANIZATION $TF_WORKSPACE $TF_CLOUD_HOSTNAME" >> {seen}\n'
        f"cat longshore_override.tf >> {seen}\n"
        'for a in "$@"; do case $a in -out=*) echo plan > "${a#-out=}";; esac; done\n'
        '[ "$1" = plan ] && echo \'{"type": "change_summary"}\'\n'
        '[ "$1" = version ] && echo \'{"terraform_version": "1.11.4"}\'\nexit 0\n'
    )
    shim.chmod(0o755)
    driver = scene.driver()
    driver = replace(driver, local=replace(driver.local, binary=str(shim), environ={"PATH": "/usr/bin:/bin"}))
    with driver.plan({"image_tag": "v1"}) as plan:
        assert not isinstance(plan, CloudPlan)
    lines = seen.read_text()
    copied = scene.root / ".longshore" / "cloud" / "terraform" / "app"
    assert f"{command} {copied} acme shop-test cloud.example.com" in lines
    assert 'organization = "acme"' in lines
    assert (copied.parent / "modules" / "service" / "main.tf").is_file()
    assert not (scene.root / "terraform" / "app" / "longshore_override.tf").exists()
    assert scene.stage.store.runs == {}


def _local(scene: Scene, tmp_path: Path, script: str) -> CloudDriver:
    """The driver of a workspace in local mode with a scripted terraform."""
    scene.workspace().attributes["execution-mode"] = "local"
    shim = tmp_path / "terraform"
    shim.write_text(
        "#!/bin/sh\n"
        'for a in "$@"; do case $a in -out=*) echo plan > "${a#-out=}";; esac; done\n'
        '[ "$1" = plan ] && echo \'{"type": "change_summary"}\'\n'
        f'[ "$1" = version ] && echo \'{{"terraform_version": "1.11.4"}}\'\n{script}\nexit 0\n'
    )
    shim.chmod(0o755)
    driver = scene.driver()
    return replace(driver, local=replace(driver.local, binary=str(shim), environ={"PATH": "/usr/bin:/bin"}))


def test_in_local_mode_an_unsaved_state_is_kept_and_blocks(scene: Scene, tmp_path: Path) -> None:
    driver = _local(scene, tmp_path, "")
    with driver.plan({}):
        pass
    copied = scene.root / ".longshore" / "cloud" / "terraform" / "app"
    (copied / "errored.tfstate").write_text("unsaved")  # and Longshore was killed before it moved the file
    kept = scene.root / ".longshore" / "shop-test.errored.tfstate"
    acts: list[Callable[[], object]] = [driver.refuse_unsaved, driver.check, driver.plan({}).__enter__]
    for act in acts:
        with pytest.raises(UnsavedStateError) as caught:
            act()
        assert f"-chdir={copied} state push {kept}" in caught.value.hint
    driver.init()
    assert kept.read_text() == "unsaved"


def test_in_local_mode_terraform_gets_the_token(scene: Scene, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    with _local(scene, tmp_path, f'echo "$TF_TOKEN_cloud_example_com" > {seen}').plan({}):
        assert seen.read_text().strip() == TOKEN


def test_in_local_mode_unchanged_files_of_the_copy_stay(scene: Scene, tmp_path: Path) -> None:
    driver = _local(scene, tmp_path, "")
    copied = scene.root / ".longshore" / "cloud" / "terraform" / "app"
    with driver.plan({}):
        before = {path: path.stat().st_ino for path in (copied.parent, copied, *copied.iterdir())}
        (copied / "gone.tf").write_text("# a file that the root has no more")
        driver.init()
        assert {path: path.stat().st_ino for path in (copied.parent, copied, *copied.iterdir())} == before
        (scene.root / "terraform" / "app" / "main.tf").write_text("# another root")
        driver.init()
        assert (copied / "main.tf").read_text() == "# another root"


def test_a_workspace_without_a_state_has_no_outputs(scene: Scene) -> None:
    assert scene.driver().outputs() == {}


def test_an_unreadable_state_is_not_a_missing_one(scene: Scene) -> None:
    scene.workspace().attributes["permissions"] = {"can-read-state-outputs": True, "can-read-state-versions": False}
    for act in (scene.driver().check, scene.driver().outputs):
        with pytest.raises(TerraformError, match="may not read the states of workspace acme/shop-test") as caught:
            act()
        assert "state versions" in caught.value.hint


def _wait_for_end(scene: Scene) -> None:
    """Waits until the run has ended."""
    run: Any = scene.run()
    with scene.stage.store.changed:
        assert scene.stage.store.changed.wait_for(lambda: run.final, timeout=10), run.seen
