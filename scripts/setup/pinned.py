"""Virtual environments for tools that must not share Longshore's packages: checkov, the peers, the site's generator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.setup.machine import PROJECT, say


def install(name: str, venv: Path) -> Path:
    """Install the packages of ``requirements/<name>.txt``, unless exactly these are installed.

    Returns:
        the folder of their programs.

    Args:
        name: of the file with the pins.
        venv: the virtual environment, which is made new when a pin has changed.

    Raises:
        SystemExit: pip failed; its output is the message.
    """
    pins, mark, programs = PROJECT / "requirements" / f"{name}.txt", venv / "pins.txt", venv / "bin"
    if mark.exists() and mark.read_text() == pins.read_text():
        return programs
    say(f"packages of requirements/{name}.txt in {venv.relative_to(PROJECT)} (a minute)")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    pip = [str(programs / "python"), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--require-hashes", "-r", str(pins)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pip could not install requirements/{name}.txt:\n{done.stdout}{done.stderr}")
    mark.write_text(pins.read_text())
    return programs
