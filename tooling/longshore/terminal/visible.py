"""Text that others wrote, such as a log line, a commit or an answer of AWS, made safe to print.

Printed as it is, such text could act on the terminal (escape sequences), on the CI system that reads our output
(workflow commands), or on its reader, with a line that looks like our own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

CONTINUED = " " * 6
"""Before every line of a text but the first. Our lines are indented less, so it imitates none."""

_MARK = "| "
_TAB = 4
_OUR_WORDS = ("==>", "done:", "FAILED:", "error:", "failed:", "warning:", "waiting:", "why ", "Changes:", "No changes.")
_OUR_MARKS = ("→", "|", "•", "✓", "✗", "OK ", "SKIP ", "FAIL ")
_BUILDKITE = ("--- ", "+++ ", "~~~ ", "^^^ ")
"""Headers of groups: https://buildkite.com/docs/pipelines/configure/managing-log-output"""
_GITLAB = ("section_start:", "section_end:")
"""https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections"""
_GITHUB = "::"
"""GitHub ignores blanks before it: TryParseV2 in actions/runner, src/Runner.Common/ActionCommand.cs."""

OURS = re.compile(rf"\s*(?:{'|'.join(map(re.escape, (*_OUR_WORDS, *_OUR_MARKS, *_BUILDKITE, *_GITLAB, _GITHUB)))})")
"""The beginning of our lines, or of a command of a CI system."""
_COMMANDS = re.compile(rf"\s*{_GITHUB}")
_COMMAND_ANYWHERE = re.compile(r"##(?=\w*\[)")
"""``##[group]``, ``##vso[…]`` and ``##teamcity[…]``: GitHub and Azure search the whole line for it (TryParse there)."""

_NOT_ASCII = re.compile(r"[^ -~]")
# Marks and letters without a width: Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt.
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def visible(text: str) -> str:
    r"""A text in one line, in which every character that is not printed is an escape, such as ``\x1b`` or ``\u202e``.

    These are controls, line breaks, bidirectional overrides, characters without a width and lone surrogates. A blank of
    another width becomes a normal one. Commands of CI systems that work anywhere in a line are broken up.
    """
    return _COMMAND_ANYWHERE.sub("# #", _NOT_ASCII.sub(_shown, text))


def lines(text: str, head: str = "", continued: str = CONTINUED) -> Iterator[tuple[str, str]]:
    """The lines of a text, each as a pair: the words that we put before it, and the visible line.

    Args:
        text: one line or several.
        head: before the first line. If it is blank, a line that looks like our own gets a mark.
        continued: before each further line; blank, and at least as wide as CONTINUED, or with a mark.
    """
    first, *rest = text.replace("\r\n", "\n").rstrip("\n").expandtabs(_TAB).split("\n")
    yield head, visible(first) if head.strip() else marked(visible(first), OURS)
    yield from ((continued, visible(line) if continued.strip() else marked(visible(line))) for line in rest)


def marked(line: str, begins: re.Pattern[str] = _COMMANDS) -> str:
    """A line to print after blanks: with a mark if it begins like a command of a CI system, or like our own."""
    return f"{_MARK}{line}" if begins.match(line) else line


def _shown(match: re.Match[str]) -> str:
    letter = match[0]
    if letter.isprintable() and not _IGNORABLE.match(letter):
        return letter
    blank = unicodedata.category(letter) == "Zs"
    return " " if blank else letter.encode("unicode_escape").decode()
