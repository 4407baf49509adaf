"""Every command of the manual is one that the program takes, and one that a test runs or the page says why not."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from scripts.reference.commands import tasks

from tests.documents.commands import Command, mentioned, parse, run_by_tests, shown
from tests.documents.markdown import pages
from tests.paths import ROOT

TASKS = {name for name, _ in tasks()}
MANUAL = [page for page in pages() if page.name == "README.md" or page.name.startswith("docs/")]


@pytest.mark.parametrize("command", [command for page in pages() for command in shown(page)], ids=str)
def test_a_command_in_a_block_parses(command: Command) -> None:
    parse(command)


@pytest.mark.parametrize("command", [c for page in MANUAL for c in mentioned(page) if "…" not in c.text], ids=str)
def test_a_command_in_a_sentence_parses(command: Command) -> None:
    if len(command.words) == 2 and command.program != "make":
        assert command.name in TASKS or command.name.startswith("-")  # its name alone, without the arguments
    else:
        parse(command)


def test_every_command_of_the_manual_is_run_by_a_test_or_the_page_says_why_not() -> None:
    tested = run_by_tests()
    commands = [command for page in MANUAL for command in shown(page) if not command.excused]
    untested = [str(c) for c in commands if c.name not in tested or not c.flags <= tested[c.name]]
    assert untested == []


def test_the_reference_shows_usage_flags_and_letters() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    usage = re.findall(r"^invoke scale (.*)$", page, re.MULTILINE)
    assert [set(re.findall(r"\[(.+?)\]", line)) for line in usage] == [
        {"WORDS ...", "-a APP", "-e ENV", "-y", "-j", "flags"}
    ]
    assert "\n| `--bump`, `-b` |" in page
    assert "\n| `--no-push` |" in page
    assert [name for name in TASKS if f"\n## {name}\n" not in page] == []


def test_the_reference_is_up_to_date() -> None:
    # Another process: Invoke's parser takes the texts of the help out of the tasks.
    command = [sys.executable, "-m", "scripts.reference", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
