"""Longshore's own folder in a project, in a checkout that cannot be written, too."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from longshore.config.project import own_folder
from longshore.errors import ConfigError


def test_a_checkout_that_cannot_be_written_is_no_error_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert own_folder(tmp_path) == tmp_path / ".longshore"
    assert not (tmp_path / ".longshore").exists()


@pytest.mark.parametrize("target", [".longshore", "nowhere"])
def test_a_link_that_leads_nowhere_is_refused(target: str, tmp_path: Path) -> None:
    (tmp_path / ".longshore").symlink_to(target)
    with pytest.raises(
        ConfigError, match=r"\.longshore is not a folder, but Longshore keeps its files there"
    ) as caught:
        own_folder(tmp_path)
    assert caught.value.hint.startswith("Move or remove it")
