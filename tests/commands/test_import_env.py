from __future__ import annotations

import io
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.commands import import_env
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import ConfigError, UsageError
from longshore.masking import Masks
from longshore.terraform import build_variables, hcl, variable_files
from tests.terraform.test_hcl import TEXTS

CANARY = "canary-7f3a9c"
# The variables of the original's build project.
ORIGINAL = {
    "ECS_POSTGRES_DB": "shop", "ECS_POSTGRES_HOST": "db.internal", "ECS_POSTGRES_PASSWORD": CANARY,
    "ECS_POSTGRES_USER": "rails", "ECS_RAILS_ENV": "staging", "ECS_RAILS_LOG_TO_STDOUT": "ENABLE",
    "ECS_RAILS_MASTER_KEY": f"{CANARY}-key", "ECS_REDIS_URL": f"redis://:{CANARY}@cache:6379/0",
    "REPO_URL": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop", "CI_REGION": "eu-central-1",
    "TASK_DEFINITION_WEB": "web", "TASK_DEFINITION_SIDEKIQ": "sidekiq",
}  # fmt: skip


class World:
    """A project with variable files, and a console whose two streams are kept."""

    def __init__(self, folder: Path, **files: str) -> None:
        paths = []
        for name, text in files.items():
            paths.append(folder / name.replace("_", "."))
            paths[-1].write_text(text)
        self.files = tuple(paths)
        stack = SimpleNamespace(var_files=self.files, check=list)
        target = SimpleNamespace(
            application="shop", environment="test", region="eu-central-1", root=folder, stack=stack
        )
        self.out, self.err = io.StringIO(), io.StringIO()
        console = Console(self.out, self.err, io.StringIO(), interactive=False, masks=Masks())
        self.env = cast(Environment, SimpleNamespace(target=target, console=console))

    def take_over(self, environ: dict[str, str], *, skip: str | None = None, write: bool = False) -> None:
        import_env.take_over(self.env, environ, skip=import_env.names(skip), write=write)

    def check(self, environ: dict[str, str]) -> str:
        place = build_variables.VariableScope("shop", "test", self.files[0].name)
        return build_variables.check(environ, variable_files.read(self.files), place, Masks())


def test_the_variables_of_the_original_are_shown_as_lines_that_can_be_pasted(tmp_path: Path) -> None:
    world = World(tmp_path, a_tfvars="")
    world.take_over(ORIGINAL)
    assert world.out.getvalue() == (
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
        assert f"{name} is not needed any more" in world.err.getvalue()
    assert CANARY not in world.out.getvalue() + world.err.getvalue()
    assert world.files[0].read_text() == ""


def test_they_are_written_and_the_check_passes(tmp_path: Path) -> None:
    before = '# Ours.\nvariables = {\n  ECS_RAILS_ENV = "staging"\n}\n\nsecrets = {}\n'
    world = World(tmp_path, a_tfvars=before)
    with pytest.raises(ConfigError):
        world.check(ORIGINAL)
    world.take_over(ORIGINAL, write=True)
    text = world.files[0].read_text()
    assert text.startswith('# Ours.\nvariables = {\n  ECS_RAILS_ENV = "staging"\n\n  ECS_POSTGRES_DB ')
    assert text.count("ECS_RAILS_ENV") == 1
    assert CANARY not in text + world.out.getvalue() + world.err.getvalue()
    assert all(line.startswith("aws ssm put-parameter") for line in world.out.getvalue().splitlines())
    assert world.check(ORIGINAL) == "8 ECS_ variables agree with a.tfvars"
    world.take_over(ORIGINAL, write=True)
    assert world.files[0].read_text() == text
    assert "Nothing of 8 ECS_ variables is to be added" in world.err.getvalue()


def test_the_commands_store_what_the_process_has(tmp_path: Path) -> None:
    """Run by a shell, with an aws that writes down its arguments."""
    world = World(tmp_path, a_tfvars="")
    environ = {"ECS_API_TOKEN": f"{CANARY} '\"$HOME` \\", "ECS_odd-name_TOKEN": "two\nlines"}
    world.take_over(environ, write=True)
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\necho\n")
    aws.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euc", world.out.getvalue()], env={"PATH": f"{aws.parent}:/usr/bin:/bin", **environ},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    options = "ssm|put-parameter|--region|eu-central-1|--type|SecureString|--name"
    assert done.stdout == (
        f"{options}|/shop/test/api_token|--value|{environ['ECS_API_TOKEN']}|\n"
        f"{options}|/shop/test/odd-name_token|--value|two\nlines|\n"
    )


def test_a_password_that_is_a_word_does_not_mask_the_names(tmp_path: Path) -> None:
    world = World(tmp_path, a_tfvars="")
    world.env.console.masks.hide(["postgres"])
    world.take_over({"ECS_postgres_PASSWORD": "postgres", "ECS_POSTGRES_USER": "postgres"})
    assert "masked" not in world.out.getvalue()
    assert 'postgres_PASSWORD = "ssm:/shop/test/postgres_password"' in world.out.getvalue()
    assert '  POSTGRES_USER     = "ssm:/shop/test/postgres_user"' in world.out.getvalue()


def test_what_is_there_with_another_value_stays_and_is_said(tmp_path: Path) -> None:
    world = World(tmp_path, a_tfvars='environment = { RAILS_ENV = "production" }\n')
    world.take_over({"ECS_RAILS_ENV": "staging", "ECS_B": "b"}, write=True)
    assert "warning: ECS_RAILS_ENV has a different value in environment.RAILS_ENV; what is there stays" in (
        world.err.getvalue()
    )
    assert variable_files.read(world.files) == {
        "environment": {"RAILS_ENV": "production"},
        "variables": {"ECS_B": "b"},
    }


@pytest.mark.parametrize("skip", ["ECS_RAILS_ENV", "RAILS_ENV", " ECS_RAILS_ENV , POSTGRES_DB"])
def test_one_can_be_left_out(tmp_path: Path, skip: str) -> None:
    world = World(tmp_path, a_tfvars="")
    world.take_over(ORIGINAL, skip=skip, write=True)
    assert "ECS_RAILS_ENV" not in variable_files.read(world.files)["variables"]
    assert "ECS_RAILS_ENV is left out: take it off the build project" in world.err.getvalue()


def test_a_name_to_leave_out_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no variable ECS_RAILS_EVN"):
        World(tmp_path, a_tfvars="").take_over(ORIGINAL, skip="RAILS_EVN")


def test_an_empty_secret_is_neither_stored_nor_plain(tmp_path: Path) -> None:
    world = World(tmp_path, a_tfvars="")
    world.take_over({"ECS_API_TOKEN": "", "ECS_EMPTY": ""}, write=True)
    assert variable_files.read(world.files) == {"variables": {"ECS_EMPTY": ""}}
    assert "warning: ECS_API_TOKEN is empty, and looks like a secret" in world.err.getvalue()
    assert world.out.getvalue() == ""


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    world = World(tmp_path, a_tfvars="")
    with pytest.raises(UsageError, match=r"can't hold: 'ECS_BYTES'") as caught:
        world.take_over({"ECS_BYTES": b"canary\xff".decode("utf-8", "surrogateescape")}, write=True)
    assert "canary" not in caught.value.message
    world.take_over({"ECS_BYTES": b"\xff".decode("utf-8", "surrogateescape")}, skip="BYTES", write=True)


def test_what_later_files_assign_is_completed_there(tmp_path: Path) -> None:
    world = World(tmp_path, a_tfvars="variables = {}\n", b_tfvars_json='{"variables": {"ECS_A": "a"}}')
    world.take_over({"ECS_A": "a", "ECS_B": "b"}, write=True)
    assert world.files[0].read_text() == "variables = {}\n"
    assert world.check({"ECS_A": "a", "ECS_B": "b"}) == "2 ECS_ variables agree with a.tfvars"


@given(
    st.dictionaries(st.from_regex(r"ECS_[A-Z0-9_]{1,10}", fullmatch=True), TEXTS, max_size=5),
    st.dictionaries(st.from_regex(r"ECS_[A-Z0-9_]{1,10}", fullmatch=True), TEXTS, max_size=3),
)
def test_whatever_is_written_agrees_afterwards(
    tmp_path_factory: Any, environ: dict[str, str], there: dict[str, str]
) -> None:
    world = World(tmp_path_factory.mktemp("world"), a_tfvars=f"variables = {{\n{hcl.lines(there)}}}\n")
    world.take_over(environ, write=True)
    left = build_variables.differences(build_variables.of_process(environ), variable_files.read(world.files))
    other = {name for name in left if f"ECS_{name}" in there}
    empty = {name for name in left if build_variables.looks_secret(name, "") and not environ[f"ECS_{name}"]}
    assert set(left) == other | empty
    kept = variable_files.read(world.files)["variables"]
    assert {name: kept[name] for name in there} == there
