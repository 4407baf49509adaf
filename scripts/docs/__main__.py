"""Builds the documentation site from README.md, docs/ and the READMEs beside the code. Needs no network once installed.

Every warning is an error: a link that leads nowhere, a heading that does not exist, a page that no other page lists.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from scripts.setup.machine import PROJECT, WORK, say
from scripts.setup.pinned import install

SITE = WORK / "site"
_FORWARD = '<!doctype html><title>Longshore</title><meta http-equiv="refresh" content="0; url=docs/index.html">\n'


def main() -> int:
    """Build the site; return Sphinx's exit code."""
    programs = install("docs", WORK / "docs")
    shutil.rmtree(SITE, ignore_errors=True)
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--fresh-env", "--quiet"]
    command = [str(programs / "sphinx-build"), *strict, "--conf-dir", "docs", ".", str(SITE)]
    done = subprocess.run(command, cwd=PROJECT, check=False)
    if done.returncode == 0:
        (SITE / "index.html").write_text(_FORWARD)
        say(f"the site is at {SITE.relative_to(PROJECT) / 'index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
