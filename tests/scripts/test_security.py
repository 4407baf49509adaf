"""What `make check-security` makes of checkov's report."""

from __future__ import annotations

import re
from typing import Any

import pytest
from scripts.security.__main__ import CONFIG, SKIPPED_INLINE, findings
from scripts.setup.machine import PROJECT


def check(number: str) -> dict[str, Any]:
    return {
        "check_id": number,
        "check_name": "Ensure something",
        "file_path": "/app/main.tf",
        "file_line_range": [10, 21],
        "resource": "aws_x.this",
    }


def report(passed: int = 9, **results: Any) -> dict[str, Any]:
    return {"summary": {"passed": passed}, "results": results}


def test_what_passes_is_no_finding() -> None:
    assert list(findings(report(skipped_checks=[check("CKV_AWS_316")]), "terraform")) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (report(failed_checks=[check("CKV_AWS_1")]), "terraform/app/main.tf:10 aws_x.this: CKV_AWS_1 Ensure something"),
        (
            report(skipped_checks=[check("CKV_AWS_1")]),
            "terraform/app/main.tf:10 aws_x.this: CKV_AWS_1 is not in SKIPPED_INLINE of scripts/security",
        ),
        (report(parsing_errors=["/app/main.tf"]), "/app/main.tf: checkov could not read it"),
        (report(passed=0), "terraform: checkov passed no check at all: it has looked at nothing"),
        ({"passed": 0, "failed": 0}, "terraform: checkov passed no check at all: it has looked at nothing"),
    ],
)
def test_a_finding(given: dict[str, Any], said: str) -> None:
    assert list(findings(given, "terraform")) == [said]


def test_what_is_excused_in_the_examples_is_not_in_the_modules() -> None:
    skipped = report(skipped_checks=[check("CKV_AWS_119")])
    assert list(findings(skipped, "examples/terraform")) == []
    assert len(list(findings(skipped, "terraform"))) == 1


@pytest.mark.parametrize("folder", SKIPPED_INLINE)
def test_every_skip_beside_a_resource_is_known_and_says_why(folder: str) -> None:
    texts = [file.read_text() for file in (PROJECT / folder).rglob("*.tf") if ".terraform" not in file.parts]
    skips = [skip for text in texts for skip in re.findall(r"checkov:skip=(\w+)(.*)", text)]
    assert {number for number, _ in skips} == set(SKIPPED_INLINE[folder])
    assert [number for number, why in skips if not re.match(r":.{20}", why)] == []


def test_what_is_never_asked_for_says_why() -> None:
    """These and no others; above each stands its reason."""
    lines = CONFIG.read_text().splitlines()
    asked = [number for number, line in enumerate(lines) if line.startswith("  - CKV")]
    assert [lines[number].split()[1] for number in asked] == ["CKV_AWS_136", "CKV_AWS_158", "CKV_AWS_338"]
    assert all(lines[number - 1].startswith("  # ") for number in asked)


def test_checkov_is_pinned_with_hashes_and_names_no_host() -> None:
    pins = (PROJECT / "requirements" / "checkov.txt").read_text()
    assert re.search(r"^checkov==[\d.]+ \\\n +--hash=sha256:", pins, re.MULTILINE)
    assert "://" not in pins
