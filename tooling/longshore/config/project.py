"""The folder of a project, and Longshore's own folder in it."""

from __future__ import annotations

from pathlib import Path

from invoke.config import Config

from longshore.errors import ConfigError

_PRIVATE, _OF_OTHERS = 0o700, 0o077


def project_root(config: Config) -> Path:
    """The folder of the project's invoke.yaml and tasks.py."""
    # Invoke has no public attribute for it.
    return Path(config._project_prefix or ".").resolve()


def own_folder(root: Path) -> Path:
    """Longshore's folder in a project, which git ignores and other users cannot open.

    It does not exist yet in a checkout that cannot be written.

    Raises:
        ConfigError: something else has its name.
    """
    folder = root / ".longshore"
    if folder.is_symlink() or folder.exists():
        refuse_other_file(folder)
    try:
        if not (folder / ".gitignore").exists():
            folder.mkdir(mode=_PRIVATE, exist_ok=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        if folder.lstat().st_mode & _OF_OTHERS and not folder.is_symlink():
            folder.chmod(_PRIVATE)  # a umask of 0 would let other users add files
    except OSError:
        return folder  # commands that only read do not need it, and for the others their own file is the error
    return folder


def refuse_other_file(folder: Path) -> None:
    """Makes sure that the existing path of our folder is a folder.

    Raises:
        ConfigError: it is a file, or a link that leads nowhere.
    """
    try:
        usable = folder.stat() is not None and folder.is_dir()
    except OSError:
        usable = False
    if not usable:
        raise ConfigError(
            f"{folder} is not a folder, but Longshore keeps its files there",
            "Move or remove it, then run the same command again.",
        )
