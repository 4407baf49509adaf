"""The command ``longshore``: the tasks, for a project without a tasks.py."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from invoke.program import Program

from longshore.errors import UsageError
from longshore.tasks import namespace
from longshore.tasks.exits import exits


class Longshore(Program):
    """Invoke's program, which reads the nearest invoke.yaml upwards, as Invoke does beside a tasks.py."""

    def parse_collection(self) -> None:
        """Uses the bundled tasks, and loads the project's configuration."""
        super().parse_collection()
        with exits():
            self.config.set_project_location(str(project_root(current_folder())))
        self.config.load_project()


def current_folder() -> Path:
    """The folder that the command was typed in.

    Raises:
        UsageError: it was removed.
    """
    try:
        return Path.cwd()
    except OSError:
        raise UsageError(
            "the current folder does not exist any more", "Change to the folder of your project: cd …"
        ) from None


def project_root(start: Path) -> Path:
    """The nearest folder upwards with an invoke.yaml, readable or not; the start itself if there is none."""
    return next((folder for folder in (start, *start.parents) if os.path.lexists(folder / "invoke.yaml")), start)


def main() -> None:
    """Runs the command line."""
    Longshore(name="Longshore", version=metadata.version("longshore"), namespace=namespace).run()
