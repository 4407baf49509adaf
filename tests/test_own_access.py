from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from longshore.config.project import own_folder
from longshore.private_files import keep_own_access
from longshore.process import home


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("umask", "kept"), [(0o777, 0o077), (0o000, 0o000), (0o022, 0o022), (0o277, 0o077), (0o027, 0o027)]
)
def test_this_user_can_always_use_new_files(umask: int, kept: int) -> None:
    os.umask(umask)
    keep_own_access()
    assert os.umask(0o022) == kept


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_other_users_cannot_open_our_folder(tmp_path: Path, umask: int) -> None:
    os.umask(umask)
    folder = own_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert own_folder(tmp_path).stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_a_link_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    (tmp_path / ".longshore").symlink_to(shared)
    own_folder(tmp_path)
    assert shared.stat().st_mode & 0o777 == 0o755


def test_a_user_without_a_home_folder_has_no_files_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert not home().exists()
