"""What checkov does not see: our own rules over the text of every stack and module.

A rule is a function from a module's text to what is wrong with it; each is tried on what it must find, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

MODULES = {
    str(versions.parent.relative_to(ROOT)): "\n".join(file.read_text() for file in sorted(versions.parent.glob("*.tf")))
    for part in ("terraform", "examples/terraform")
    for versions in (ROOT / part).rglob("versions.tf")
    if ".terraform" not in versions.parts
}

Rule = Callable[[str], list[str]]


def blocks(text: str, head: str) -> Iterator[tuple[str, str]]:
    """The labels and the body of every block whose head fits, at any depth; the files are formatted, so a block ends
    where a brace stands under its first letter.
    """
    for found in re.finditer(rf"^( *){head} \{{\n(.*?)^\1\}}", text, re.MULTILINE | re.DOTALL):
        yield " ".join(re.findall(r'"([^"]+)"', found[0].partition("{")[0])), found[2]


def resources(text: str, kind: str) -> Iterator[tuple[str, str]]:
    return blocks(text, rf'resource "{kind}" "[^"]+"')


def circuit_breaker(text: str) -> list[str]:
    """A service without it would start a bad version for ever."""
    wanted = r"deployment_circuit_breaker \{\n\s*enable\s*= true\n\s*rollback\s*= true\n"
    return [name for name, body in resources(text, "aws_ecs_service") if not re.search(wanted, body)]


def passed_to_service(text: str) -> list[str]:
    """A role that may be passed to any service is a way to all that the role may do."""
    wrong = []
    for _, body in blocks(text, "(?:statement|content)"):
        if "statement {" in body or not re.search(r'"iam:(PassRole|P\w*\*|\*)"', body):
            continue
        bound = re.search(
            r'test\s*= "StringEquals"\n\s*variable = "iam:PassedToService"\n\s*values\s*= \["[a-z.-]+"\]', body
        )
        if not bound or re.search(r"resources\s*=.*\"\*\"", body):
            wrong.append(body.strip().splitlines()[0])
    return wrong


def plain_secrets(text: str) -> list[str]:
    """What gets environment variables refuses those that look like secrets, by the module plaintext."""
    renders = re.search(r"\b(container_definitions\s*=|environment_variable\b)", text)
    return (
        ["environment variables without the module plaintext"] if renders and 'module "plaintext"' not in text else []
    )


def kept_revisions(text: str) -> list[str]:
    """A revision that Terraform deregisters is a way back that is gone."""
    found = resources(text, "aws_ecs_task_definition")
    return [name for name, body in found if not re.search(r"^ *skip_destroy\s*= true$", body, re.MULTILINE)]


def left_to_releases(text: str) -> list[str]:
    """What runs and how often is chosen by releases; an apply must not take it back."""
    services = [
        name
        for name, body in resources(text, "aws_ecs_service")
        if "ignore_changes = [task_definition, desired_count]" not in body
    ]
    targets = [
        name
        for name, body in resources(text, "aws_cloudwatch_event_target")
        if "ecs_target" in body and "ignore_changes = [ecs_target[0].task_definition_arn]" not in body
    ]
    parameters = [
        name
        for name, body in resources(text, "aws_ssm_parameter")
        if "ignore_changes = [insecure_value, value]" not in body
    ]
    return services + targets + parameters


def immutable_tags(text: str) -> list[str]:
    """A tag that moves makes what was verified something else."""
    found = resources(text, "aws_ecr_repository")
    mutable = [name for name, body in found if not re.search(r'image_tag_mutability\s*= "IMMUTABLE"', body)]
    return mutable + re.findall(r'"[^"\n]*:latest"', text)


UNTAGGED = {
    "aws_appautoscaling_policy",
    "aws_cloudwatch_event_target",
    "aws_codebuild_webhook",
    "aws_ecr_lifecycle_policy",
    "aws_ecr_repository_policy",
    "aws_ecs_cluster_capacity_providers",
    "aws_iam_role_policy",
    "aws_iam_role_policy_attachment",
    "aws_route_table_association",
}
"""Types that have no tags (documentation of the provider): every other one has."""


def bounded_roles(text: str) -> list[str]:
    """Many companies let roles be made only below a path of their own, and within a boundary."""
    wanted = [r"path\s*= var\.path\n", r"permissions_boundary\s*= var\.permissions_boundary\n"]
    roles = [name for name, body in resources(text, "aws_iam_role") if not all(re.search(w, body) for w in wanted)]
    return roles + [name for name, body in resources(text, "aws_iam_policy") if not re.search(wanted[0], body)]


def tagged(text: str) -> list[str]:
    """What has no tags is nobody's on a bill."""
    return [
        name
        for name, body in resources(text, '[^"]+')
        if name.split()[0] not in UNTAGGED and not re.search(r"^  tags\s*= (var|local)\.tags$", body, re.MULTILINE)
    ]


GOOD_BREAKER = """  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
"""
SERVICE = f"""resource "aws_ecs_service" "this" {{
  name = "web"

{GOOD_BREAKER}
  lifecycle {{
    ignore_changes = [task_definition, desired_count]
  }}
}}
"""
STATEMENT = """data "aws_iam_policy_document" "this" {
  statement {
    actions   = ["iam:PassRole"]
    resources = [var.role_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}
"""
DEFINITION = """resource "aws_ecs_task_definition" "this" {
  family                = "web"
  container_definitions = local.definitions
  skip_destroy          = true
}

module "plaintext" {
  source = "../plaintext"
}
"""
TARGET = """resource "aws_cloudwatch_event_target" "this" {
  rule = "nightly"

  ecs_target {
    task_definition_arn = module.definition.arn
  }

  lifecycle {
    ignore_changes = [ecs_target[0].task_definition_arn]
  }
}
"""
PARAMETER = """resource "aws_ssm_parameter" "image_tag" {
  insecure_value = "unreleased"

  lifecycle {
    ignore_changes = [insecure_value, value]
  }
}
"""
REPOSITORY = """resource "aws_ecr_repository" "this" {
  name                 = "app"
  image_tag_mutability = "IMMUTABLE"
}
"""
ROLE = """resource "aws_iam_role" "this" {
  name                 = "task"
  path                 = var.path
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}
"""
POLICY = """resource "aws_iam_policy" "this" {
  name = "releaser"
  path = var.path

  tags = local.tags
}
"""

# What is well, and what of it is changed into what: the rule must see every one.
CHANGES: list[tuple[Rule, str, str, str]] = [
    (circuit_breaker, SERVICE, GOOD_BREAKER, ""),
    (circuit_breaker, SERVICE, "enable   = true", "enable   = false"),
    (circuit_breaker, SERVICE, "rollback = true", "rollback = false"),
    (passed_to_service, STATEMENT, "iam:PassedToService", "aws:SourceAccount"),
    (passed_to_service, STATEMENT, '["ecs-tasks.amazonaws.com"]', '["*"]'),
    (passed_to_service, STATEMENT, '"StringEquals"', '"StringLike"'),
    (passed_to_service, STATEMENT, "[var.role_arn]", '["*"]'),
    (passed_to_service, STATEMENT.replace("iam:PassRole", "iam:*"), "iam:PassedToService", "aws:SourceAccount"),
    (plain_secrets, DEFINITION, 'module "plaintext"', 'module "other"'),
    (kept_revisions, DEFINITION, "skip_destroy          = true", "skip_destroy          = false"),
    (kept_revisions, DEFINITION, "  skip_destroy          = true\n", ""),
    (left_to_releases, SERVICE, "task_definition, desired_count", "desired_count"),
    (left_to_releases, SERVICE, "task_definition, desired_count", "task_definition"),
    (left_to_releases, TARGET, "ignore_changes", "replace_triggered_by"),
    (left_to_releases, PARAMETER, "insecure_value, value", "value"),
    (immutable_tags, REPOSITORY, "IMMUTABLE", "MUTABLE"),
    (immutable_tags, REPOSITORY, '  image_tag_mutability = "IMMUTABLE"\n', ""),
    (bounded_roles, ROLE, "  path                 = var.path\n", ""),
    (bounded_roles, ROLE, "= var.path", '= "/"'),
    (bounded_roles, ROLE, "  permissions_boundary = var.permissions_boundary\n", ""),
    (bounded_roles, ROLE, "= var.permissions_boundary", "= null"),
    (bounded_roles, POLICY, "  path = var.path\n", ""),
    (tagged, ROLE, "  tags = var.tags\n", ""),
    (tagged, POLICY, "  tags = local.tags\n", ""),
    (immutable_tags, REPOSITORY + 'image = "app:v1"\n', ":v1", ":latest"),
]
RULES = list(dict.fromkeys(rule for rule, *_ in CHANGES))

OWN = "examples/terraform/own-root"
EXCUSED: dict[tuple[Rule, str], str] = {
    (plain_secrets, OWN): "it uses none of our modules; its one variable is written out, not taken in",
    (bounded_roles, OWN): "a team that writes its own root writes its own roles",
}
"""What breaks a rule, and why it may."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_our_terraform_keeps_the_rules(rule: Rule) -> None:
    broken = {name: wrong for name, text in MODULES.items() if (wrong := rule(text))}
    assert set(broken) == {name for excused, name in EXCUSED if excused == rule}, broken


@pytest.mark.parametrize(("rule", "text", "before", "after"), CHANGES)
def test_a_rule_sees_what_it_is_there_for(rule: Rule, text: str, before: str, after: str) -> None:
    assert before in text
    assert rule(text) == []
    assert rule(text.replace(before, after)) != []


@pytest.mark.parametrize(
    "look",
    [
        lambda text: list(resources(text, "aws_ecs_service")),
        lambda text: re.findall(r'"iam:PassRole"', text),
        lambda text: list(resources(text, "aws_ecs_task_definition")),
        lambda text: [body for _, body in resources(text, "aws_cloudwatch_event_target") if "ecs_target" in body],
        lambda text: list(resources(text, "aws_ssm_parameter")),
        lambda text: list(resources(text, "aws_iam_role")),
        lambda text: list(resources(text, "aws_iam_policy")),
        lambda text: list(resources(text, "aws_ecr_repository")),
        lambda text: re.findall(r"\bcontainer_definitions\s*=", text),
        lambda text: re.findall(r"\benvironment_variable\b", text),
    ],
)
def test_the_rules_have_something_to_look_at(look: Callable[[str], list[object]]) -> None:
    assert any(look(text) for text in MODULES.values())


@pytest.mark.parametrize("setting", ["path", "permissions_boundary", "tags"])
def test_a_setting_of_roles_and_resources_is_handed_on_to_every_module_that_takes_it(setting: str) -> None:
    calls = [
        (folder, label, str((ROOT / folder / source).resolve().relative_to(ROOT)), body)
        for folder, text in MODULES.items()
        for label, body in blocks(text, r'module "[^"]+"')
        for source in re.findall(r'^  source\s*= "(.+)"$', body, re.MULTILINE)
    ]
    takers = [call for call in calls if f'variable "{setting}"' in MODULES[call[2]]]
    if setting != "tags":  # the account of this example is its own: nobody bounds its roles
        takers = [call for call in takers if call[0] != "examples/terraform/complete"]
    assert takers
    handed_on = re.compile(rf"^  {setting}\s*= (var|local)\.{setting}$", re.MULTILINE)
    assert [(folder, label) for folder, label, _, body in takers if not handed_on.search(body)] == []


def test_what_takes_plain_variables_refuses_secrets_in_a_validation() -> None:
    users = {name: text for name, text in MODULES.items() if 'module "plaintext"' in text}
    assert {"terraform/app", "terraform/modules/build", "terraform/modules/task_definition"} <= set(users)
    refused = "alltrue([for name in values(module.plaintext.suspects) : contains(var.not_secret, name)])"
    assert [name for name, text in users.items() if refused not in text] == []


@pytest.mark.parametrize("file", sorted((ROOT / "environments").glob("*.tfvars")), ids=lambda file: Path(file).name)
def test_no_variable_file_of_ours_excuses_a_secret(file: Path) -> None:
    assert not re.search(r"^\s*not_secret\b", file.read_text(), re.MULTILINE)
