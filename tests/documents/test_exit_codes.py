from __future__ import annotations

import re

from longshore.verdict import Cause, ExitCode, Verdict
from tests.fakes.samples import result
from tests.paths import ROOT

PAGE = ROOT / "docs" / "concepts.md"


def documented() -> list[int]:
    """The codes in the table of docs/concepts.md, section "Exit codes"."""
    section = PAGE.read_text().partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE)
    return [int(code) for cell in cells for code in cell.split(",")]


def test_the_table_and_the_enum_agree() -> None:
    assert documented() == sorted({int(code) for code in ExitCode})


def test_every_verdict_with_every_cause_has_a_code_of_the_table() -> None:
    for verdict in Verdict:
        for cause in (None, *Cause):
            for signal in ("SIGINT", "SIGTERM"):
                assert result(verdict=verdict, cause=cause, signal=signal).exit_code in documented()


def test_only_a_recorded_success_is_zero() -> None:
    zero = [(v, c) for v in Verdict for c in (None, *Cause) if not result(verdict=v, cause=c).exit_code]
    assert {verdict for verdict, _ in zero} == {Verdict.SUCCEEDED}
    assert (Verdict.SUCCEEDED, Cause.RECORD) not in zero
