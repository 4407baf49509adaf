"""The releases of the README's pictures: played on the scripted stage, printed by the real console."""

from __future__ import annotations

import hashlib
import io
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console as RichConsole
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from longshore.commands import release
from longshore.masking import Masks
from longshore.result import ReleaseResult
from longshore.run.options import ReleaseOptions
from longshore.tasks import views
from longshore.terminal.console import Console
from tests.crash.world import world
from tests.paths import ROOT
from tests.pictures.screen import COLUMNS, ROWS, Screen
from tests.scenarios.scenario import Scenario
from tests.scenarios.stage import Theatre

_ENVIRONMENT = {
    "TERM": "xterm-256color",
    "COLUMNS": str(COLUMNS),
    "LINES": str(ROWS),
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}
"""A terminal of one size, and a commit that has the same id every time."""

_IDS = re.compile(r"[0-9a-f]{32}|(?<=ecs-svc/)\d+")


@dataclass(frozen=True)
class Picture:
    """A release and its picture.

    Attributes:
        name: of the file.
        title: of the window.
        tasks: the behaviour of the tasks, as in a scenario.
        begins: the text at which the picture begins; the lines above it are left out.
    """

    name: str
    title: str
    tasks: dict[str, str] = field(default_factory=dict)
    begins: str = ""

    @property
    def file(self) -> Path:
        """The SVG file in docs/pictures."""
        return ROOT / "docs" / "pictures" / f"{self.name}.svg"


PICTURES = (
    Picture("release", "a release"),
    Picture(
        "rolled-back",
        "a release that is rolled back",
        {"web new": "exits 1 at start, says \"KeyError: 'SECRET_KEY'\""},
        begins="failed:",
    ),
)


def draw(theatre: Theatre, picture: Picture, folder: Path) -> str:
    """Plays a release and returns its picture as SVG."""
    random.seed(picture.name)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("NO_COLOR", raising=False)
        screen = Screen()
        result = _release(theatre, picture, folder, screen)
    lines = _with_stable_ids(screen.text()).split("\n", allow_blank=True)
    first = next(number for number, line in enumerate(lines) if line.plain.startswith(picture.begins))
    shown = [Text("$ invoke release --yes", "bold"), *([Text("…", "dim")] if first else []), *lines[first:]]
    shown += [Text("$ echo $?", "bold"), Text(str(int(result.exit_code)))]
    return _svg(Text("\n").join(shown), picture)


def words(svg: str) -> str:
    """The text of a picture without its times, which differ from one play to the next."""
    lines = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return re.sub(r"\d+(\.\d)?(&#160;| )s\b", "… s", "\n".join(lines))


def _release(theatre: Theatre, picture: Picture, folder: Path, screen: Screen) -> ReleaseResult:
    scenario = Scenario.model_validate(
        {
            "name": picture.name,
            "title": picture.title,
            "promises": (63,),
            "tasks": picture.tasks,
            "expect": {"verdict": "none", "exit_code": 0},
        }
    )
    with world(theatre, scenario, folder) as stage:
        process = stage.process()
        console = Console(screen, screen, io.StringIO(), interactive=False, masks=Masks(()))
        object.__setattr__(process, "console", console)
        with console.live():
            result = stage.run(process, lambda env: release.release(env, ReleaseOptions.of(yes=True)))
        assert isinstance(result, ReleaseResult)
        views.result(console, result, as_json=False)
    return result


def _with_stable_ids(text: Text) -> Text:
    """The same text, in which the ids of tasks and deployments are the same every time: numbered as they appear."""
    numbers: dict[str, int] = {}
    for match in _IDS.finditer(text.plain):
        numbers.setdefault(match[0], len(numbers))
    return Text("\n").join(_replaced(line, numbers) for line in text.split("\n", allow_blank=True))


def _replaced(line: Text, numbers: Mapping[str, int]) -> Text:
    copy = line.copy()
    copy.plain = _IDS.sub(lambda match: _stable_id(match[0], numbers[match[0]]), line.plain)
    return copy


def _stable_id(found: str, number: int) -> str:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return (str(int(digest, 16)) if found.isdecimal() else digest)[: len(found)]


def _svg(text: Text, picture: Picture) -> str:
    console = RichConsole(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text, highlight=False)
    svg = console.export_svg(title=picture.title, theme=DIMMED_MONOKAI, unique_id=picture.name)
    # No font from another host: every reader has a monospaced one, and the lengths of the lines are fixed.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
