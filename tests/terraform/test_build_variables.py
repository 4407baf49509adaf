from __future__ import annotations

from typing import Any

import hcl2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore import masking
from longshore.errors import ConfigError
from longshore.masking import Masks
from longshore.terraform import build_variables, hcl
from longshore.terraform.build_variables import VariableScope
from longshore.verdict import ExitCode, exit_code_of
from tests.paths import ROOT

SCOPE = VariableScope("shop", "test", "environments/test.tfvars")
CANARY = "canary-7f3a9c"
PLAINTEXT = ROOT / "terraform" / "modules" / "plaintext" / "main.tf"


def differences(process: dict[str, str], **files: Any) -> dict[str, str]:
    return build_variables.differences(
        build_variables.of_process({f"ECS_{name}": value for name, value in process.items()}), files
    )


def refusal(environ: dict[str, str], **files: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        build_variables.check(environ, files, SCOPE, Masks())
    return caught.value


def test_variables_of_ecs_or_without_prefix_are_ignored() -> None:
    environ = {
        "ECS_RAILS_ENV": "staging", "ECS_": "nothing", "RAILS_ENV": "x", "NOT_ECS_A": "x",
        "ECS_AGENT_URI": "http://169.254.170.2", "ECS_CONTAINER_METADATA_URI": "http://169.254.170.2/v3",
        "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4",
    }  # fmt: skip
    assert build_variables.of_process(environ) == {"RAILS_ENV": "staging"}


def test_variables_set_by_ecs_are_those_that_terraform_refuses() -> None:
    """The list is also in terraform/app/environment.tf."""
    body = hcl.parse((PLAINTEXT.parents[2] / "app" / "environment.tf").read_text())
    assert set(body["locals"][0]["set_by_ecs"]) == build_variables.SET_BY_ECS


@pytest.mark.parametrize(
    ("files", "difference"),
    [
        ({}, "is not in the variable files"),
        ({"variables": {"ECS_A": "1"}}, None),
        ({"variables": {"ECS_A": "2"}}, "has a different value in variables.ECS_A"),
        ({"variables": {"ECS_A": None}}, "is not in the variable files"),
        ({"variables": {"A": "1"}}, "is not in the variable files"),
        ({"environment": {"A": "1"}}, None),
        ({"environment": {"A": "2"}}, "has a different value in environment.A"),
        ({"environment": {"ECS_A": "1"}}, "is not in the variable files"),
        ({"environment": {"A": "1"}, "variables": {"ECS_A": "2"}}, None),
        ({"environment": {"A": "2"}, "variables": {"ECS_A": "1"}}, "has a different value in environment.A"),
        ({"environment": {"A": None}, "variables": {"ECS_A": "1"}}, None),
        ({"secrets": {"A": "ssm:/a"}}, None),
        ({"secrets": {"A": "ssm:/a"}, "variables": {"ECS_A": "2"}}, None),
        ({"secrets": {"ECS_A": "ssm:/a"}}, "is not in the variable files"),
        ({"variables": {"ECS_A": hcl.Expression()}}, "is not a plain string in variables.ECS_A: write the value out"),
    ],
)
def test_a_variable_is_compared_with_the_effective_assignment(files: dict[str, Any], difference: str | None) -> None:
    assert differences({"A": "1"}, **files) == ({"A": difference} if difference else {})


def test_strings_are_compared_in_unicode_normal_form() -> None:
    """Terraform normalizes strings to NFC, so the container gets the same value in both cases."""
    assert differences({"A": "Gru\u0308n"}, variables={"ECS_A": "Gr\u00fcn"}) == {}
    assert differences({"A": "Gr\u00fcn"}, variables={"ECS_A": "Gru\u0308n"}) == {}


def test_agreeing_variables_are_counted() -> None:
    files = {"variables": {"ECS_A": "1"}, "secrets": {"B": "ssm:/b"}}
    assert build_variables.check({"ECS_A": "1", "ECS_B": "2"}, files, SCOPE, Masks()) == (
        "2 ECS_ variables agree with environments/test.tfvars"
    )
    assert build_variables.check({"HOME": "/root"}, files, SCOPE, Masks()) == "no ECS_ variables"


def test_all_findings_are_reported_with_the_lines_to_add() -> None:
    environ = {
        "ECS_RAILS_ENV": CANARY, "ECS_LOG": f"{CANARY} ${{x}}", "ECS_RAILS_MASTER_KEY": CANARY,
        "ECS_DATABASE_URL": f"postgres://shop:{CANARY}@db/shop", "ECS_SAME": "1",
    }  # fmt: skip
    in_files = {"ECS_SAME": "1", "ECS_LOG": f"other {CANARY}"}
    error = refusal(environ, variables=in_files)
    assert exit_code_of(error) is ExitCode.USAGE
    assert error.message == (
        "ECS_ variables of this process differ from the variable files, and containers get only those of the files:\n"
        "    ECS_DATABASE_URL is not in the variable files\n"
        "    ECS_LOG has a different value in variables.ECS_LOG\n"
        "    ECS_RAILS_ENV is not in the variable files\n"
        "    ECS_RAILS_MASTER_KEY is not in the variable files\n"
        "  Lines to add to environments/test.tfvars:\n"
        "    secrets = {\n"
        '      DATABASE_URL     = "ssm:/shop/test/database_url"\n'
        '      RAILS_ENV        = "ssm:/shop/test/rails_env"\n'
        '      RAILS_MASTER_KEY = "ssm:/shop/test/rails_master_key"\n'
        "    }"
    )  # the value of RAILS_ENV contains a secret, so RAILS_ENV is treated as one
    assert "invoke env.import -a shop -e test" in error.hint
    plain = refusal({**environ, "ECS_RAILS_ENV": "canary-of-its-own"}, variables=in_files).message
    assert '    variables = {\n      ECS_RAILS_ENV = "..."\n    }\n' in plain
    assert "canary" not in plain


VALUES = st.text(st.sampled_from("abcdef0123456789-_. /"), min_size=1, max_size=20).map("canary".__add__)


@given(st.dictionaries(st.from_regex(r"ECS_[A-Z]{1,8}(_KEY|_URL|_PASS)?", fullmatch=True), VALUES), st.booleans())
def test_no_message_ever_shows_a_value(environ: dict[str, str], elsewhere: bool) -> None:  # noqa: FBT001
    files = {"variables": {name: f"{value}!" for name, value in environ.items()}} if elsewhere else {}
    try:
        build_variables.check(environ, files, SCOPE, Masks())
    except ConfigError as error:
        assert "canary" not in f"{error.message}{error.hint}{error}"
    else:
        assert not environ


def test_the_rule_for_secrets_is_the_one_in_terraform() -> None:
    """Otherwise the next plan would refuse a variable that was written as a plain one."""
    assert patterns_of("name") == masking.SECRET_NAME
    assert patterns_of("other") == masking.NOT_SECRET_NAME
    assert patterns_of("value") == masking.SECRET_VALUE
    assert patterns_of("other_value") == masking.NOT_SECRET_VALUE


def patterns_of(local: str) -> str:
    """The patterns that a local value of module plaintext joins."""
    block = hcl2.loads(PLAINTEXT.read_text(), serialization_options=hcl2.SerializationOptions(wrap_tuples=True))
    call = block["locals"][0][local]
    inside = call[call.index("[") : call.rindex("]") + 1]
    return "|".join(hcl.parse(f"patterns = {inside}")["patterns"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAILS_MASTER_KEY", "x"), ("PGPASSWORD", "x"), ("DB_PASS", "x"), ("SENTRY_DSN", "x"), ("SECRET_KEY_BASE", "x"),
        ("REDIS_URL", "redis://:pw@cache:6379/0"), ("CERT", "-----BEGIN RSA PRIVATE KEY-----\nx"),
        ("GREETING", "it holds hunter22 inside"), ("HEADER", "Authorization: Bearer abc"),
        ("AUTHORIZATION", "Basic abc"),
    ],
)  # fmt: skip
def test_a_secret_becomes_a_reference(name: str, value: str) -> None:
    process = {name: value, "ADMIN_PASS": "hunter22"}
    missing = build_variables.missing(process, dict.fromkeys(process, build_variables.ABSENT), SCOPE, Masks())
    assert missing.variables == {}
    assert missing.secrets[name] == f"ssm:/shop/test/{name.lower()}"


@pytest.mark.parametrize(("name", "value"), [("RAILS_ENV", "staging"), ("REDIS_URL", "redis://cache:6379/0"),
                                             ("TOKENIZER_PATH", "/t"), ("LOG", ""),
                                             ("NEXT_PUBLIC_SENTRY_DSN", "x"), ("KMS_KEY", "alias/shop"),
                                             ("IMAGE", "docker://shop:v1@sha256:0123456789abcdef")])  # fmt: skip
def test_other_variables_stay_plain(name: str, value: str) -> None:
    missing = build_variables.missing({name: value}, {name: build_variables.ABSENT}, SCOPE, Masks())
    assert (missing.variables, missing.secrets) == ({f"ECS_{name}": value}, {})


def test_a_parameter_name_has_only_valid_characters() -> None:
    assert SCOPE.parameter("A b/Ü.TOKEN") == "/shop/test/a-b--.token"
