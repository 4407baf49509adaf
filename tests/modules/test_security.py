"""Rules that checkov does not have, for the text of every stack, module and example.

A rule is a function from the text of a module to its violations. Every rule is also tested on violations.
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
    """The labels and the body of every block with a matching head, at any depth.

    The files are formatted: a block ends at a brace with the indentation of its head.
    """
    for block in re.finditer(rf"^( *){head} \{{\n(.*?)^\1\}}", text, re.MULTILINE | re.DOTALL):
        yield " ".join(re.findall(r'"([^"]+)"', block[0].partition("{")[0])), block[2]


def resources(text: str, kind: str) -> Iterator[tuple[str, str]]:
    return blocks(text, rf'resource "{kind}" "[^"]+"')


def circuit_breaker(text: str) -> list[str]:
    """Without it, ECS would start the tasks of a bad version forever."""
    required = r"deployment_circuit_breaker \{\n\s*enable\s*= true\n\s*rollback\s*= true\n"
    return [name for name, body in resources(text, "aws_ecs_service") if not re.search(required, body)]


def passed_to_service(text: str) -> list[str]:
    """A role that may be passed to any service gives away all its permissions."""
    violations = []
    for _, body in blocks(text, "(?:statement|content)"):
        if "statement {" in body or not re.search(r'"iam:(PassRole|P\w*\*|\*)"', body):
            continue
        condition = re.search(
            r'test\s*= "StringEquals"\n\s*variable = "iam:PassedToService"\n\s*values\s*= \["[a-z.-]+"\]', body
        )
        if not condition or re.search(r"resources\s*=.*\"\*\"", body):
            violations.append(body.strip().splitlines()[0])
    return violations


def plain_secrets(text: str) -> list[str]:
    """A module with environment variables must reject plain secrets with the module plaintext."""
    renders = re.search(r"\b(container_definitions\s*=|environment_variable\b)", text)
    return (
        ["environment variables without the module plaintext"] if renders and 'module "plaintext"' not in text else []
    )


def kept_revisions(text: str) -> list[str]:
    """A rollback needs earlier revisions, which Terraform would deregister."""
    definitions = resources(text, "aws_ecs_task_definition")
    return [name for name, body in definitions if not re.search(r"^ *skip_destroy\s*= true$", body, re.MULTILINE)]


def ignored_changes(text: str) -> list[str]:
    """Releases set revision, count and tag; an apply must not undo that."""
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
    """A mutable tag could be moved to an image that was never verified."""
    repositories = resources(text, "aws_ecr_repository")
    mutable = [name for name, body in repositories if not re.search(r'image_tag_mutability\s*= "IMMUTABLE"', body)]
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
"""Resource types without tags (documentation of the provider)."""


def bounded_roles(text: str) -> list[str]:
    """Many companies allow roles only in a given IAM path and with a permissions boundary."""
    required = [r"path\s*= var\.path\n", r"permissions_boundary\s*= var\.permissions_boundary\n"]
    roles = [name for name, body in resources(text, "aws_iam_role") if not all(re.search(r, body) for r in required)]
    return roles + [name for name, body in resources(text, "aws_iam_policy") if not re.search(required[0], body)]


def tagged(text: str) -> list[str]:
    """The costs of a resource without tags cannot be allocated."""
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

# Valid text, and the change that makes it a violation: text to replace, replacement.
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
    (ignored_changes, SERVICE, "task_definition, desired_count", "desired_count"),
    (ignored_changes, SERVICE, "task_definition, desired_count", "task_definition"),
    (ignored_changes, TARGET, "ignore_changes", "replace_triggered_by"),
    (ignored_changes, PARAMETER, "insecure_value, value", "value"),
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
    (plain_secrets, OWN): "it uses none of our modules, and its only environment variable is fixed",
    (bounded_roles, OWN): "your own root module has your own roles",
}
"""Violations that are allowed, with the reason."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_our_terraform_follows_the_rules(rule: Rule) -> None:
    violations = {name: labels for name, text in MODULES.items() if (labels := rule(text))}
    assert set(violations) == {name for excused, name in EXCUSED if excused == rule}, violations


@pytest.mark.parametrize(("rule", "text", "before", "after"), CHANGES)
def test_a_rule_detects_a_violation(rule: Rule, text: str, before: str, after: str) -> None:
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
def test_every_rule_applies_to_some_module(look: Callable[[str], list[object]]) -> None:
    assert any(look(text) for text in MODULES.values())


@pytest.mark.parametrize("setting", ["path", "permissions_boundary", "tags"])
def test_path_boundary_and_tags_are_passed_to_every_module(setting: str) -> None:
    calls = [
        (folder, label, str((ROOT / folder / source).resolve().relative_to(ROOT)), body)
        for folder, text in MODULES.items()
        for label, body in blocks(text, r'module "[^"]+"')
        for source in re.findall(r'^  source\s*= "(.+)"$', body, re.MULTILINE)
    ]
    modules = [call for call in calls if f'variable "{setting}"' in MODULES[call[2]]]
    if setting != "tags":  # this example has no path and no permissions boundary
        modules = [call for call in modules if call[0] != "examples/terraform/complete"]
    assert modules
    passed = re.compile(rf"^  {setting}\s*= (var|local)\.{setting}$", re.MULTILINE)
    assert [(folder, label) for folder, label, _, body in modules if not passed.search(body)] == []


def test_every_module_with_plain_variables_rejects_secrets() -> None:
    users = {name: text for name, text in MODULES.items() if 'module "plaintext"' in text}
    assert {"terraform/app", "terraform/modules/build", "terraform/modules/task_definition"} <= set(users)
    condition = "alltrue([for name in values(module.plaintext.suspects) : contains(var.not_secret, name)])"
    assert [name for name, text in users.items() if condition not in text] == []


@pytest.mark.parametrize("file", sorted((ROOT / "environments").glob("*.tfvars")), ids=lambda file: Path(file).name)
def test_no_variable_file_sets_not_secret(file: Path) -> None:
    assert not re.search(r"^\s*not_secret\b", file.read_text(), re.MULTILINE)
