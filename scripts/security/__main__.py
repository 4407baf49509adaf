"""Runs a pinned checkov in a separate virtual environment, and judges its report.

checkov ends with 0 if it cannot read a file, and accepts every skip that a file asks for: both are refused here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.setup.machine import PROJECT, WORK, say
from scripts.setup.pinned import install

VENV = WORK / "checkov"
CONFIG = PROJECT / "terraform" / "checkov.yaml"

_TAG = "the released tag is not a secret, and a plan without a tag reads it"
SKIPPED_INLINE = {
    "terraform": {
        "CKV_AWS_316": "a docker build needs an engine, which starts only in privileged mode",
        "CKV2_AWS_34": _TAG,
    },
    "examples/terraform": {
        "CKV_AWS_2": "HTTP redirects as soon as there is a certificate, which an example cannot provide",
        "CKV_AWS_91": "access logs need a bucket and a retention period",
        "CKV_AWS_103": "HTTP redirects as soon as there is a certificate, which an example cannot provide",
        "CKV_AWS_119": "DynamoDB's default key is enough for an example",
        "CKV_AWS_150": "an example is taken down again",
        "CKV_AWS_260": "a shop is public by default; a variable restricts it",
        "CKV_AWS_378": "TLS ends at the load balancer",
        "CKV2_AWS_5": "the tasks use the group, which checkov does not notice",
        "CKV2_AWS_11": "flow logs are billed by the gigabyte",
        "CKV2_AWS_20": "HTTP redirects as soon as there is a certificate, which an example cannot provide",
        "CKV2_AWS_28": "a web application firewall is optional and costs money",
        "CKV2_AWS_34": _TAG,
    },
}
"""The folders that are scanned, and the checks that a file in each may skip beside a resource, with the reason."""


def main() -> int:
    """Scan the stacks, modules and examples.

    Returns:
        1 if there are findings, otherwise 0.
    """
    install("checkov", VENV)
    reports = {folder: scan(PROJECT / folder) for folder in SKIPPED_INLINE}
    problems = [line for folder, report in reports.items() for line in findings(report, folder)]
    for line in problems:
        say(f"FAIL {line}")
    if not problems:
        passed = sum(report["summary"]["passed"] for report in reports.values())
        say(f"OK   checkov: {passed} checks passed, none failed")
    return 1 if problems else 0


def scan(folder: Path) -> dict[str, Any]:
    """Checkov's report on all Terraform in a folder; it works offline.

    Raises:
        SystemExit: checkov printed no report.
    """
    command = [str(VENV / "bin" / "checkov"), "--directory", str(folder), "--config-file", str(CONFIG)]
    done = subprocess.run([*command, "--output", "json"], cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        raise SystemExit(f"checkov ended with {done.returncode}:\n{done.stdout}{done.stderr}") from None


def findings(report: Mapping[str, Any], folder: str) -> Iterator[str]:
    """The findings, one line each: failed checks, unreadable files, and skips that are not allowed.

    Args:
        report: checkov's report on a folder.
        folder: its path in the project.
    """
    summary, results = report.get("summary", {}), report.get("results", {})
    if not summary.get("passed"):
        yield f"{folder}: checkov passed no checks, so it scanned nothing"
    yield from (f"{file}: checkov could not read it" for file in results.get("parsing_errors", []))
    for check in results.get("failed_checks", []):
        yield f"{_where(check, folder)}: {check['check_id']} {check['check_name']}"
    for check in results.get("skipped_checks", []):
        if check["check_id"] not in SKIPPED_INLINE[folder]:
            yield f"{_where(check, folder)}: {check['check_id']} is not in SKIPPED_INLINE of scripts/security"


def _where(check: Mapping[str, Any], folder: str) -> str:
    return f"{folder}{check['file_path']}:{check['file_line_range'][0]} {check['resource']}"


if __name__ == "__main__":
    sys.exit(main())
