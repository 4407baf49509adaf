"""The references to secrets that the modules take, read from the patterns in their sources; runs without Terraform."""

from __future__ import annotations

import re

import pytest

from tests.paths import ROOT

BY_NAME = (
    "ssm:/shop/db",
    "ssm:DB_PASSWORD",
    "secretsmanager:shop/db",
    "secretsmanager:shop/db:password",
    "secretsmanager:rds!db-0a1b2c3d:password",
    "secretsmanager:rds!cluster-0a1b2c3d:password:AWSPREVIOUS:",
    "secretsmanager:shop/db::AWSPREVIOUS",
    "secretsmanager:shop/db:::0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
)
ARN = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:rds!db-0a1b2c3d-AbCdEf"
BY_ARN = (
    ARN,
    f"{ARN}:password",
    f"{ARN}:password:AWSPREVIOUS:",
    "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/shop/db",
)
BUILD_ONLY = tuple(f"secretsmanager:{arn}" for arn in BY_ARN[:3])
NEVER = (
    "hunter2",
    "ssm:",
    "ssm:shop/db",
    "ssm:/shop/db password",
    "secretsmanager:",
    "secretsmanager:shop/db:",
    "secretsmanager:shop/*",
    "secretsmanager:a:b:c:d:e",
    ARN.removesuffix("-AbCdEf").removesuffix("-0a1b2c3d"),
    ARN.replace("secretsmanager", "ssm"),
    "arn:aws:s3:::bucket/key",
    "arn:aws:ssm:eu-central-1:123456789012:document/shop",
)


def patterns(file: str) -> list[str]:
    """The patterns for references in a file of Terraform; its syntax (RE2) is Python's here."""
    quoted = re.findall(r'"(\^.*?\$?)"[,)\n]', (ROOT / "terraform" / file).read_text())
    return [pattern for pattern in quoted if "ssm" in pattern or "secretsmanager" in pattern]


def takes(file: str, reference: str) -> bool:
    return any(re.search(pattern, reference) for pattern in patterns(file))


@pytest.mark.parametrize(
    ("files", "taken", "refused"),
    [
        (
            ("app/variables_environment.tf", "modules/task_definition/secrets.tf"),
            BY_NAME + BY_ARN,
            BUILD_ONLY + NEVER,
        ),
        (
            ("modules/build/variables.tf", "modules/build/environment.tf"),
            BY_NAME + BUILD_ONLY,
            BY_ARN + NEVER,
        ),
    ],
)
def test_all_copies_of_the_pattern_take_the_same_references(
    files: tuple[str, ...], taken: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    for file in files:
        assert [reference for reference in taken if not takes(file, reference)] == []
        assert [reference for reference in refused if takes(file, reference)] == []
