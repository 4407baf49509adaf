"""Runs checkov, pinned and in a virtual environment of its own, and judges what it says.

checkov ends with 0 where it could not read a file, and takes every skip that a file asks for: both are refused here.
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

_TAG = "the released tag is no secret, and a plan without a tag reads it"
SKIPPED_INLINE = {
    "terraform": {
        "CKV_AWS_316": "a docker build needs an engine, which starts in privileged mode only",
        "CKV2_AWS_34": _TAG,
    },
    "examples/terraform": {
        "CKV_AWS_2": "HTTP redirects as soon as there is a certificate, which an example can't bring",
        "CKV_AWS_91": "access logs want a bucket and a time for which they are kept",
        "CKV_AWS_103": "HTTP redirects as soon as there is a certificate, which an example can't bring",
        "CKV_AWS_119": "the key that DynamoDB has anyway is enough for an example",
        "CKV_AWS_150": "an example is taken down again",
        "CKV_AWS_260": "a shop is open to everybody, unless its variable says otherwise",
        "CKV_AWS_378": "TLS ends at the load balancer",
        "CKV2_AWS_5": "the tasks have the group, where checkov does not see it",
        "CKV2_AWS_11": "flow logs cost by the gigabyte",
        "CKV2_AWS_20": "HTTP redirects as soon as there is a certificate, which an example can't bring",
        "CKV2_AWS_28": "a web application firewall is a choice of its own, and costs",
        "CKV2_AWS_34": _TAG,
    },
}
"""What is looked at, and what a file there may skip beside the resource that it is about."""


def main() -> int:
    """Look at the stacks, modules and examples.

    Returns:
        1 if there is a finding.
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
    """What checkov says of all Terraform in a folder; it asks nobody but the files.

    Raises:
        SystemExit: it said nothing that can be read.
    """
    command = [str(VENV / "bin" / "checkov"), "--directory", str(folder), "--config-file", str(CONFIG)]
    done = subprocess.run([*command, "--output", "json"], cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        raise SystemExit(f"checkov ended with {done.returncode}:\n{done.stdout}{done.stderr}") from None


def findings(report: Mapping[str, Any], folder: str) -> Iterator[str]:
    """What is wrong, a line each: what failed, what could not be read, what is skipped without being allowed to.

    Args:
        report: what checkov says of a folder.
        folder: its path in the project.
    """
    summary, results = report.get("summary", {}), report.get("results", {})
    if not summary.get("passed"):
        yield f"{folder}: checkov passed no check at all: it has looked at nothing"
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
