"""CodeBuild for the sandbox: its API on top of moto's, and builds that really run.

From the top: `responses` answers calls, through `projects`, `webhooks` and `builds`; a build's life is `runner`, what
is shown of it `record`; its commands run in `shell`, on a clone from `source`, with the values of `variables`.
"""

from __future__ import annotations

from typing import Any

from longshore.sandbox.codebuild import outcomes, responses
from longshore.sandbox.codebuild.build_host import BuildHost
from longshore.sandbox.codebuild.builds import Builds

__all__ = ["BuildHost", "Builds", "CodeBuild", "install"]

SETTING = "build_minute"
"""Seconds that a minute of a build's time-outs lasts; 60, unless a test is in a hurry."""


class CodeBuild:
    """What the sandbox's own pages say of CodeBuild.

    Args:
        builds: all builds.
    """

    def __init__(self, builds: Builds) -> None:
        self._builds = builds

    def status(self) -> list[dict[str, Any]]:
        """The builds, the newest first."""
        return self._builds.rows()

    def outcomes(self) -> list[dict[str, Any]]:
        """The outcomes that are prescribed and have not come about yet."""
        return self._builds.outcomes.rows()

    def prescribe(self, document: dict[str, Any]) -> None:
        """Prescribe an outcome: the fields of `outcomes.Outcome`.

        Raises:
            ValueError: a field is not as it must be.
        """
        self._builds.outcomes.add(outcomes.parse(document))

    def clear(self) -> None:
        """Prescribe nothing any more."""
        self._builds.outcomes.clear()

    def push(self, document: dict[str, Any]) -> list[str]:
        """Call the webhooks of a push; what came of it, a line each.

        Raises:
            ValueError: there is no such repository.
        """
        if document["repository"] not in self._builds.repositories.names():
            raise ValueError(f"repository: there is no {document['repository']!r}")
        return self._builds.push(document)

    def repositories(self) -> dict[str, str]:
        """Where each repository lies, by name."""
        found = self._builds.repositories
        return {name: str(found.path(name)) for name in found.names()}

    def make_repository(self, name: str) -> str:
        """Make a repository, or find it; where it lies.

        Raises:
            ValueError: none can be called so.
        """
        return str(self._builds.repositories.make(name))

    def settings(self) -> dict[str, float]:
        """What can be set while the sandbox runs."""
        return {SETTING: self._builds.minute}

    def set(self, name: str, value: float) -> None:
        """Set how long a minute of the time-outs of later builds lasts.

        Raises:
            ValueError: there is no such setting, or the value is not allowed.
        """
        if name != SETTING:
            raise ValueError(f"{name}: unknown; known are {SETTING}")
        if value <= 0:
            raise ValueError(f"{name}: {value} is not more than 0")
        self._builds.minute = value


def install(builds: Builds) -> CodeBuild:
    """Put this CodeBuild in the place of moto's; to be called before moto's server starts."""
    responses.install(builds)
    return CodeBuild(builds)
