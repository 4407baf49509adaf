"""The words of AWS in our source: states, stop codes, names of errors, and other values of enumerations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PACKAGE = ROOT / "tooling" / "longshore"

_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*_?")
"""``ROLLBACK_FAILED``, and the prefix ``ROLLBACK_``."""

_NAME = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)+")
"""``TaskFailedToStart``."""

_NOT_OF_AWS = (
    "aws/translate.py",  # prefixes of codes that the services have in common
    "sandbox/codebuild/build_host.py",  # the environment of a build
    "sandbox/codebuild/build_image.py",
    "sandbox/ecs/container_arguments.py",  # Docker's words
    "sandbox/ecs/docker_runtime.py",
    "sandbox/ecs/host.py",
)
"""Files whose words are not those of one service of AWS."""

_VARIABLE = re.compile(r"(AWS|BOTO|LONGSHORE|CODEBUILD|TF|MOTO|ECS|DOCKER|GIT|PIP|REQUESTS|SSL|REGISTRY)_.*")
"""Environment variables, which are not values of an API."""


@dataclass(frozen=True)
class Place:
    """Files of the package, and the services whose words they use."""

    files: tuple[str, ...]
    services: tuple[str, ...]


_JUDGED = ("ecs", "elbv2", "cloudwatch", "events", "application-autoscaling")
"""The services whose states decide about a release."""

PLACES = (
    Place(("aws/codebuild.py", "images/codebuild.py"), ("codebuild",)),
    Place(("aws/ecr.py",), ("ecr",)),
    Place(("aws/logs.py",), ("logs",)),
    Place(("aws/eventbridge.py",), ("events",)),
    Place(("aws/autoscaling.py",), ("application-autoscaling",)),
    Place(("aws/ssm.py",), ("ssm",)),
    Place(("aws/dynamodb.py",), ("dynamodb",)),
    Place(("aws/s3.py",), ("s3",)),
    Place(("aws/ecs*.py",), ("ecs",)),
    Place(("aws/*.py", "rollout/*.py", "run/*.py", "config/contract.py", "commands/drift.py"), _JUDGED),
    Place(("sandbox/ecs/target*.py", "sandbox/ecs/task_script.py"), ("ecs", "elbv2")),
    Place(("sandbox/ecs/*.py",), ("ecs",)),
    Place(tuple(f"sandbox/codebuild/{name}.py" for name in ("build*", "outcomes", "responses")), ("codebuild",)),
    Place(tuple(f"sandbox/codebuild/{name}.py" for name in ("projects", "start_build")), ("codebuild",)),
    Place(tuple(f"sandbox/registry/{name}.py" for name in ("catalogue", "ecr", "images")), ("ecr",)),
    Place(("sandbox/api/scaling.py",), ("application-autoscaling",)),
)
"""The first place of a file counts."""


@dataclass(frozen=True)
class Word:
    """A word of AWS in a file of ours."""

    text: str
    file: str
    line: int
    services: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text!r}"


def words() -> Iterator[Word]:
    """Every word of AWS in the files of ``PLACES``."""
    seen = {PACKAGE / name for name in _NOT_OF_AWS}
    for place in PLACES:
        paths = {path for pattern in place.files for path in PACKAGE.glob(pattern)} - seen
        for path in sorted(paths):
            yield from _words_of(path, place.services)
        seen |= paths


def _words_of(path: Path, services: tuple[str, ...]) -> Iterator[Word]:
    name = str(path.relative_to(PACKAGE))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if len(text) > 2 and (_CONSTANT.fullmatch(text) or _NAME.fullmatch(text)) and not _VARIABLE.fullmatch(text):
                yield Word(text, name, node.lineno, services)
