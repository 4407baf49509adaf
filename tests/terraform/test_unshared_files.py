from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from longshore.config.target import Stack
from longshore.errors import ConfigError
from longshore.run import checks
from longshore.terraform import unshared_files
from tests.fakes.environments import environment


def run_git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root in a repository whose .gitignore is GitHub's for Terraform."""
    folder = tmp_path / "terraform" / "app"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text("")
    (tmp_path / ".gitignore").write_text("*.tfvars\n*.tfvars.json\noverride.tf\n*_override.tf\n")
    run_git(tmp_path, "init", "--quiet")
    run_git(tmp_path, "add", "--all")
    return folder


@pytest.fixture
def module(root: Path, tmp_path: Path) -> Path:
    """A module beside the root, in the same repository."""
    folder = tmp_path / "terraform" / "module"
    folder.mkdir()
    (folder / "main.tf").write_text("")
    run_git(tmp_path, "add", "--all")
    return folder


def stack(root: Path, *var_files: Path) -> Stack:
    return Stack("test", root, var_files, root / "data", {})


@pytest.mark.parametrize(
    "name",
    [
        "terraform.tfvars",
        "terraform.tfvars.json",
        "mine.auto.tfvars",
        "mine.auto.tfvars.json",
        "override.tf",
        "mine_override.tf",
        "mine_override.tf.json",
        "n\u00e4w [1].auto.tfvars",
    ],
)
def test_a_file_that_only_this_machine_has_is_refused_by_name(root: Path, name: str) -> None:
    (root / name).write_text("")
    with pytest.raises(ConfigError) as refused:
        unshared_files.refuse(stack(root))
    assert f"Terraform would load {root / name}, which git does not track" in refused.value.message
    assert ("list it under terraform.var_files" in refused.value.hint) == ("tfvars" in name)
    run_git(root, "add", "--force", name)
    unshared_files.refuse(stack(root))


def test_files_that_terraform_does_not_load_are_not_refused(root: Path) -> None:
    for name in ("sandbox.tfvars", "overrides.tf", "terraform.tfstate"):
        (root / name).write_text("")
    (root / "inner").mkdir()
    (root / "inner" / "terraform.tfvars").write_text("")
    unshared_files.refuse(stack(root))


def test_variable_files_in_a_module_are_not_refused(root: Path, module: Path) -> None:
    """Terraform loads variable files from the root alone: those of a module are left from work on the module."""
    for name in ("terraform.tfvars", "mine.auto.tfvars.json"):
        (module / name).write_text("{}")
    unshared_files.refuse(stack(root), [root, module])


def test_a_variable_file_that_is_listed_is_not_refused(root: Path, tmp_path: Path) -> None:
    listed = tmp_path / "ann.tfvars"
    listed.write_text("")
    (root / "terraform.tfvars").write_text("")
    (root / "mine.auto.tfvars").symlink_to(listed)
    with pytest.raises(ConfigError, match=r"would load .*app/terraform.tfvars, which"):
        unshared_files.refuse(stack(root, listed))
    unshared_files.refuse(stack(root, listed, root / "terraform.tfvars"))


def test_a_root_outside_of_git_is_not_refused(tmp_path: Path, root: Path) -> None:
    for folder in (tmp_path / "copy", tmp_path / "terraform" / "new"):
        folder.mkdir()
        (folder / "override.tf").write_text("")
        unshared_files.refuse(stack(folder))


def test_an_override_in_a_module_is_refused(root: Path, module: Path) -> None:
    (module / "override.tf").write_text("")
    with pytest.raises(ConfigError, match=f"would load {module}/override.tf"):
        unshared_files.refuse(stack(root), [root, module])


def test_terraforms_own_order_of_variable_files(tmp_path: Path) -> None:
    names = ["terraform.tfvars", "terraform.tfvars.json", "a.auto.tfvars", "b.auto.tfvars.json", "c.auto.tfvars"]
    for name in [*reversed(names), "other.tfvars"]:
        (tmp_path / name).write_text("")
    assert [file.name for file in stack(tmp_path).loaded_files] == names


def test_files_that_terraform_loads_by_itself_count_in_digest_and_check(tmp_path: Path) -> None:
    env = environment(tmp_path)
    before = env.target.variables_digest()
    (tmp_path / "terraform.tfvars").write_text('variables = { ECS_A = "1" }\n')
    assert env.target.variables_digest() != before
    assert checks.files(env) == "terraform.tfvars, test.tfvars"
