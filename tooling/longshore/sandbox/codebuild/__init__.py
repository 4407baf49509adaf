"""CodeBuild for the sandbox: its API on top of moto's, and builds that run real commands.

`responses` answers calls by means of `projects`, `webhooks` and `builds`. `build` carries out a build, `build_record`
holds its document; its commands run in a `shell`, on a clone from `source`, with the values from `variables`.
"""

from __future__ import annotations

from typing import Any

from longshore.sandbox.codebuild import outcomes, responses
from longshore.sandbox.codebuild.build_host import BuildHost
from longshore.sandbox.codebuild.builds import Builds

__all__ = ["BuildHost", "Builds", "CodeBuild", "install"]

SETTING = "build_minute"
"""Seconds in a minute of a build's time-outs: 60, unless a test shortens it."""


class CodeBuild:
    """The administration of CodeBuild, for the sandbox's own pages.

    Args:
        builds: all builds.
    """

    def __init__(self, builds: Builds) -> None:
        self._builds = builds

    def status(self) -> list[dict[str, Any]]:
        """The builds, the newest first."""
        return self._builds.rows()

    def outcomes(self) -> list[dict[str, Any]]:
        """The prescribed outcomes that no build has taken yet."""
        return self._builds.outcomes.rows()

    def prescribe(self, document: dict[str, Any]) -> None:
        """Prescribe an outcome, given the fields of `outcomes.Outcome`.

        Raises:
            ValueError: a field is not valid.
        """
        self._builds.outcomes.add(outcomes.parse(document))

    def clear(self) -> None:
        """Discard the prescribed outcomes."""
        self._builds.outcomes.clear()

    def push(self, document: dict[str, Any]) -> list[str]:
        """Call the webhooks of a push, and return a line about each build.

        Raises:
            ValueError: there is no such repository.
        """
        if document["repository"] not in self._builds.repositories.names():
            raise ValueError(f"repository: {document['repository']!r} does not exist")
        return self._builds.push(document)

    def repositories(self) -> dict[str, str]:
        """The folder of each repository, by name."""
        repositories = self._builds.repositories
        return {name: str(repositories.path(name)) for name in repositories.names()}

    def make_repository(self, name: str) -> str:
        """The folder of a repository, created if missing.

        Raises:
            ValueError: the name is not valid.
        """
        return str(self._builds.repositories.make(name))

    def settings(self) -> dict[str, float]:
        """The settings that can be changed while the sandbox is running."""
        return {SETTING: self._builds.minute}

    def set(self, name: str, value: float) -> None:
        """Set how many seconds a minute of a build's time-outs lasts, for later builds.

        Raises:
            ValueError: there is no such setting, or the value is not valid.
        """
        if name != SETTING:
            raise ValueError(f"{name}: unknown setting; the setting is {SETTING}")
        if value <= 0:
            raise ValueError(f"{name}: {value} is not greater than 0")
        self._builds.minute = value


def install(builds: Builds) -> CodeBuild:
    """Replace moto's CodeBuild; call this before moto's server starts."""
    responses.install(builds)
    return CodeBuild(builds)
