"""The parts of AWS that images need, as protocols: the clients of longshore.aws fit, and so do the fakes of tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from longshore.aws.codebuild import Build


class Registry(Protocol):
    """The tags of ECR repositories (longshore.aws.ecr)."""

    def tags(self, name: str) -> Iterator[str]: ...
    def existing_tags(self, name: str, tags: Sequence[str]) -> set[str]: ...


class Builds(Protocol):
    """CodeBuild (longshore.aws.codebuild)."""

    def start(self, project: str, commit: str, variables: Mapping[str, str], token: str) -> Build: ...
    def get(self, build: str) -> Build | None: ...
    def newest(self, project: str) -> list[Build]: ...
    def stop(self, build: str) -> None: ...


class Lines(Protocol):
    """A log that is followed."""

    def lines(self) -> Iterator[str]: ...


class Logs(Protocol):
    """CloudWatch Logs (longshore.aws.logs)."""

    def follow(self, group: str, stream: str) -> Lines: ...
