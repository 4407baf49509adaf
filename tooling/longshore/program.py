"""The command ``longshore``: the tasks, for a project without a tasks.py."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from invoke.program import Program

from longshore.tasks import namespace


class Longshore(Program):
    """Invoke's program, which reads the nearest invoke.yaml upwards, as Invoke does beside a tasks.py."""

    def parse_collection(self) -> None:
        """Uses the bundled tasks, and loads the project's configuration."""
        super().parse_collection()
        self.config.set_project_location(str(project_root(Path.cwd())))
        self.config.load_project()


def project_root(start: Path) -> Path:
    """The nearest folder upwards with an invoke.yaml; the start itself if there is none."""
    return next((folder for folder in (start, *start.parents) if (folder / "invoke.yaml").is_file()), start)


def main() -> None:
    """Runs the command line."""
    Longshore(name="Longshore", version=metadata.version("longshore"), namespace=namespace).run()
