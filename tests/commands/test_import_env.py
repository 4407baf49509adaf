from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.commands.import_env import import_env, skipped_names
from longshore.errors import ConfigError, UsageError
from longshore.masking import Masks, looks_secret
from longshore.terminal.console import Console
from longshore.terraform import build_variables, hcl, variable_files
from tests.fakes.environments import SHOP, environment
from tests.terraform.test_hcl import TEXTS

CANARY = "canary-7f3a9c"
# The variables of the original system's build project.
ORIGINAL = {
    "ECS_POSTGRES_DB": "shop", "ECS_POSTGRES_HOST": "db.internal", "ECS_POSTGRES_PASSWORD": CANARY,
    "ECS_POSTGRES_USER": "rails", "ECS_RAILS_ENV": "staging", "ECS_RAILS_LOG_TO_STDOUT": "ENABLE",
    "ECS_RAILS_MASTER_KEY": f"{CANARY}-key", "ECS_REDIS_URL": f"redis://:{CANARY}@cache:6379/0",
    "REPO_URL": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop", "CI_REGION": "eu-central-1",
    "TASK_DEFINITION_WEB": "web", "TASK_DEFINITION_SIDEKIQ": "sidekiq",
}  # fmt: skip


class Project:
    """A project with variable files; keeps the output of its console."""

    def __init__(self, folder: Path, **files: str) -> None:
        names = [name.replace("_", ".") for name in files]
        for name, text in zip(names, files.values(), strict=True):
            (folder / name).write_text(text)
        self.files = [folder / name for name in names]
        self.out, self.err = io.StringIO(), io.StringIO()
        self.env = environment(
            folder,
            settings=SHOP | {"terraform": {"dir": ".", "var_files": names}},
            console=Console(self.out, self.err, io.StringIO(), interactive=False, masks=Masks()),
        )

    def import_env(self, environ: dict[str, str], *, skip: str | None = None, write: bool = False) -> None:
        import_env(self.env, environ, skip=skipped_names(skip), write=write)

    def check(self, environ: dict[str, str]) -> str:
        scope = build_variables.VariableScope("shop", "test", self.files[0].name)
        return build_variables.check(environ, variable_files.read(self.files), scope, Masks())


def test_the_variables_of_the_original_system_are_printed_as_lines_to_paste(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars="")
    project.import_env(ORIGINAL)
    assert project.out.getvalue() == (
        "variables = {\n"
        '  ECS_POSTGRES_DB         = "shop"\n'
        '  ECS_POSTGRES_HOST       = "db.internal"\n'
        '  ECS_POSTGRES_USER       = "rails"\n'
        '  ECS_RAILS_ENV           = "staging"\n'
        '  ECS_RAILS_LOG_TO_STDOUT = "ENABLE"\n'
        "}\n"
        "\n"
        "secrets = {\n"
        '  POSTGRES_PASSWORD = "ssm:/shop/test/postgres_password"\n'
        '  RAILS_MASTER_KEY  = "ssm:/shop/test/rails_master_key"\n'
        '  REDIS_URL         = "ssm:/shop/test/redis_url"\n'
        "}\n"
        "# aws ssm put-parameter --region eu-central-1 --type SecureString --name /shop/test/postgres_password"
        ' --value "$ECS_POSTGRES_PASSWORD"\n'
        "# aws ssm put-parameter --region eu-central-1 --type SecureString --name /shop/test/rails_master_key"
        ' --value "$ECS_RAILS_MASTER_KEY"\n'
        "# aws ssm put-parameter --region eu-central-1 --type SecureString --name /shop/test/redis_url"
        ' --value "$ECS_REDIS_URL"\n'
    )
    for name in build_variables.NOT_NEEDED:
        assert f"{name} is no longer needed" in project.err.getvalue()
    assert CANARY not in project.out.getvalue() + project.err.getvalue()
    assert project.files[0].read_text() == ""


def test_after_writing_the_check_passes(tmp_path: Path) -> None:
    before = '# Ours.\nvariables = {\n  ECS_RAILS_ENV = "staging"\n}\n\nsecrets = {}\n'
    project = Project(tmp_path, a_tfvars=before)
    with pytest.raises(ConfigError):
        project.check(ORIGINAL)
    project.import_env(ORIGINAL, write=True)
    text = project.files[0].read_text()
    assert text.startswith('# Ours.\nvariables = {\n  ECS_RAILS_ENV = "staging"\n\n  ECS_POSTGRES_DB ')
    assert text.count("ECS_RAILS_ENV") == 1
    assert CANARY not in text + project.out.getvalue() + project.err.getvalue()
    assert all(line.startswith("aws ssm put-parameter") for line in project.out.getvalue().splitlines())
    assert project.check(ORIGINAL) == "8 ECS_ variables agree with a.tfvars"
    project.import_env(ORIGINAL, write=True)
    assert project.files[0].read_text() == text
    assert "None of the 8 ECS_ variables needs to be added" in project.err.getvalue()


def test_the_commands_store_the_values_of_the_process(tmp_path: Path) -> None:
    """A shell runs them, with an aws that prints its arguments."""
    project = Project(tmp_path, a_tfvars="")
    environ = {"ECS_API_TOKEN": f"{CANARY} '\"$HOME` \\", "ECS_odd-name_TOKEN": "two\nlines"}
    project.import_env(environ, write=True)
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\necho\n")
    aws.chmod(0o755)
    shell = subprocess.run(
        ["bash", "-euc", project.out.getvalue()], env={"PATH": f"{aws.parent}:/usr/bin:/bin", **environ},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    options = "ssm|put-parameter|--region|eu-central-1|--type|SecureString|--name"
    assert shell.stdout == (
        f"{options}|/shop/test/api_token|--value|{environ['ECS_API_TOKEN']}|\n"
        f"{options}|/shop/test/odd-name_token|--value|two\nlines|\n"
    )


def test_a_password_that_is_part_of_a_name_does_not_mask_the_name(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars="")
    project.env.console.masks.hide(["shopper"])
    project.import_env({"ECS_shopper_PASSWORD": "shopper", "ECS_SHOPPER_USER": "shopper"})
    assert "masked" not in project.out.getvalue()
    assert 'shopper_PASSWORD = "ssm:/shop/test/shopper_password"' in project.out.getvalue()
    assert '  SHOPPER_USER     = "ssm:/shop/test/shopper_user"' in project.out.getvalue()


def test_an_entry_with_a_different_value_is_kept_with_a_warning(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars='environment = { RAILS_ENV = "production" }\n')
    project.import_env({"ECS_RAILS_ENV": "staging", "ECS_B": "b"}, write=True)
    assert "warning: ECS_RAILS_ENV has a different value in environment.RAILS_ENV (the file was not changed)" in (
        project.err.getvalue()
    )
    assert variable_files.read(project.files) == {
        "environment": {"RAILS_ENV": "production"},
        "variables": {"ECS_B": "b"},
    }


@pytest.mark.parametrize("skip", ["ECS_RAILS_ENV", "RAILS_ENV", " ECS_RAILS_ENV , POSTGRES_DB"])
def test_a_variable_can_be_left_out(tmp_path: Path, skip: str) -> None:
    project = Project(tmp_path, a_tfvars="")
    project.import_env(ORIGINAL, skip=skip, write=True)
    assert "ECS_RAILS_ENV" not in variable_files.read(project.files)["variables"]
    assert "ECS_RAILS_ENV is left out: remove it from the build project" in project.err.getvalue()


def test_leaving_out_an_unknown_variable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no variable ECS_RAILS_EVN"):
        Project(tmp_path, a_tfvars="").import_env(ORIGINAL, skip="RAILS_EVN")


def test_an_empty_secret_is_neither_stored_nor_written(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars="")
    project.import_env({"ECS_API_TOKEN": "", "ECS_EMPTY": ""}, write=True)
    assert variable_files.read(project.files) == {"variables": {"ECS_EMPTY": ""}}
    assert "warning: ECS_API_TOKEN is empty, but looks like a secret" in project.err.getvalue()
    assert project.out.getvalue() == ""


def test_a_name_with_a_control_character_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with pytest.raises(UsageError, match=r"control character: 'ECS_A\\nrm -r x'$"):
        project.import_env({"ECS_A\nrm -r x": "1"})


def test_a_value_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars="")
    with pytest.raises(UsageError, match="cannot hold the value: 'ECS_BYTES'") as caught:
        project.import_env({"ECS_BYTES": b"canary\xff".decode("utf-8", "surrogateescape")}, write=True)
    assert "canary" not in caught.value.message
    project.import_env({"ECS_BYTES": b"\xff".decode("utf-8", "surrogateescape")}, skip="BYTES", write=True)


def test_a_variable_that_a_later_file_assigns_is_extended_there(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars="variables = {}\n", b_tfvars_json='{"variables": {"ECS_A": "a"}}')
    project.import_env({"ECS_A": "a", "ECS_B": "b"}, write=True)
    assert project.files[0].read_text() == "variables = {}\n"
    assert project.check({"ECS_A": "a", "ECS_B": "b"}) == "2 ECS_ variables agree with a.tfvars"


@pytest.mark.scenario  # takes longer than the fast tests may
@given(
    st.dictionaries(st.from_regex(r"ECS_[A-Z0-9_]{1,10}", fullmatch=True), TEXTS, max_size=5),
    st.dictionaries(st.from_regex(r"ECS_[A-Z0-9_]{1,10}", fullmatch=True), TEXTS, max_size=3),
)
def test_written_variables_agree_with_the_process(
    tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str], existing: dict[str, str]
) -> None:
    project = Project(tmp_path_factory.mktemp("project"), a_tfvars=f"variables = {{\n{hcl.lines(existing)}}}\n")
    project.import_env(environ, write=True)
    process = build_variables.of_process(environ)
    differing = set(build_variables.differences(process, variable_files.read(project.files)))
    empty_secrets = {name for name in differing if looks_secret(name, "") and not process[name]}
    assert differing == {name for name in differing if f"ECS_{name}" in existing} | empty_secrets
    written = variable_files.read(project.files)["variables"]
    assert {name: written[name] for name in existing} == existing
