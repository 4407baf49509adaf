"""`make check-security` judges checkov's report."""

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


def test_passed_and_allowed_checks_are_not_findings() -> None:
    assert list(findings(report(skipped_checks=[check("CKV_AWS_316")]), "terraform")) == []


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (report(failed_checks=[check("CKV_AWS_1")]), "terraform/app/main.tf:10 aws_x.this: CKV_AWS_1 Ensure something"),
        (
            report(skipped_checks=[check("CKV_AWS_1")]),
            "terraform/app/main.tf:10 aws_x.this: CKV_AWS_1 is not in SKIPPED_INLINE of scripts/security",
        ),
        (report(parsing_errors=["/app/main.tf"]), "/app/main.tf: checkov could not read it"),
        (report(passed=0), "terraform: checkov passed no checks, so it scanned nothing"),
        ({"passed": 0, "failed": 0}, "terraform: checkov passed no checks, so it scanned nothing"),
    ],
)
def test_a_finding_is_one_line(document: dict[str, Any], line: str) -> None:
    assert list(findings(document, "terraform")) == [line]


def test_a_skip_for_the_examples_is_not_one_for_the_modules() -> None:
    skipped = report(skipped_checks=[check("CKV_AWS_119")])
    assert list(findings(skipped, "examples/terraform")) == []
    assert len(list(findings(skipped, "terraform"))) == 1


@pytest.mark.parametrize("folder", SKIPPED_INLINE)
def test_every_skip_beside_a_resource_is_listed_and_has_a_reason(folder: str) -> None:
    texts = [file.read_text() for file in (PROJECT / folder).rglob("*.tf") if ".terraform" not in file.parts]
    skips = [skip for text in texts for skip in re.findall(r"checkov:skip=(\w+)(.*)", text)]
    assert {number for number, _ in skips} == set(SKIPPED_INLINE[folder])
    assert [number for number, why in skips if not re.match(r":.{20}", why)] == []


def test_every_disabled_check_has_a_reason() -> None:
    """Only these are disabled; above each stands its reason."""
    lines = CONFIG.read_text().splitlines()
    disabled = [number for number, line in enumerate(lines) if line.startswith("  - CKV")]
    assert [lines[number].split()[1] for number in disabled] == ["CKV_AWS_136", "CKV_AWS_158", "CKV_AWS_338"]
    assert all(lines[number - 1].startswith("  # ") for number in disabled)


def test_checkov_is_pinned_with_hashes_and_names_no_host() -> None:
    pins = (PROJECT / "requirements" / "checkov.txt").read_text()
    assert re.search(r"^checkov==[\d.]+ \\\n +--hash=sha256:", pins, re.MULTILINE)
    assert "://" not in pins
