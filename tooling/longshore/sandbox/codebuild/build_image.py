"""The build image: a Python environment of each build's own, in which the sandbox's packages are there already."""

from __future__ import annotations

import shlex
import site
import sys
import sysconfig
import venv
from pathlib import Path

import longshore

PROGRAMS = {
    "pip": "-m pip",
    "pip3": "-m pip",
    "invoke": "-m invoke",
    "longshore": "-c 'from longshore.program import main; main()'",
}
"""The console scripts: what Python is called with."""


def make(folder: Path) -> Path:
    """Make the environment, in some ten milliseconds: nothing is installed, the sandbox's packages are looked through.

    A ``.pth`` file leads to them, after the environment's own: what a build installs hides what is there, and changes
    nothing outside.

    Returns:
        Its folder of programs, for the head of PATH.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    programs = folder / "bin"
    own = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    lines = [str(Path(longshore.__file__).parents[1])]
    # addsitedir and not a line with the folder: an editable installation is itself a .pth file there
    lines += [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages() if Path(path).is_dir()]
    (own / "build_image.pth").write_text("\n".join(lines) + "\n")
    for name, arguments in PROGRAMS.items():
        # sh, for the first line of a script may not be as long as a path
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(programs / "python"))} {arguments} "$@"\n')
        script.chmod(0o755)
    return programs


def path(programs: Path, inherited: str) -> str:
    """PATH of a build: the image's programs before the machine's; the sandbox's own environment is left out."""
    server = str(Path(sys.executable).parent)
    rest = [entry for entry in inherited.split(":") if entry and entry != server]
    return ":".join([str(programs), *rest])
