"""The build image: a new Python environment for each build, which already contains the sandbox's packages."""

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
"""The console scripts, each with its arguments for Python."""


def make(folder: Path) -> Path:
    """Make the environment, in about ten milliseconds: it refers to the sandbox's packages and installs nothing.

    A ``.pth`` file adds them after the environment's own packages, so that a build can install other versions and
    changes nothing outside.


    Returns:
        Its folder of programs, which belongs first on PATH.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    programs = folder / "bin"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    lines = [str(Path(longshore.__file__).parents[1])]
    # addsitedir, because an editable installation is itself a .pth file in such a folder
    lines += [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages() if Path(path).is_dir()]
    (packages / "build_image.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, arguments in PROGRAMS.items():
        # through sh, because the first line of a script must be shorter than some paths
        script = programs / name
        script.write_text(
            f'#!/bin/sh\nexec {shlex.quote(str(programs / "python"))} {arguments} "$@"\n', encoding="utf-8"
        )
        script.chmod(0o755)
    return programs


def path(programs: Path, inherited: str) -> str:
    """PATH of a build: the image's programs, then the machine's without the sandbox's own environment."""
    server = str(Path(sys.executable).parent)
    rest = [entry for entry in inherited.split(":") if entry and entry != server]
    return ":".join([str(programs), *rest])
