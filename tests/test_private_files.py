from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from longshore.errors import LongshoreError
from longshore.private_files import private_folder


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user, in a temporary folder of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"longshore-{os.getuid()}"


def left_behind(parent: Path, name: str = "plan-abandoned") -> Path:
    """What a killed process leaves: its folder, with a lock that is no longer held."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "in-use").touch()
    (folder / "plan.tfplan").write_text("canary")
    return folder


def test_a_folder_is_private_and_is_removed_at_the_end(parent: Path) -> None:
    with private_folder("plan") as folder:
        assert folder.path.parent == parent
        assert [stat.S_IMODE(path.stat().st_mode) for path in (parent, folder.path)] == [0o700, 0o700]
        (folder.path / "plan.tfplan").write_text("canary")
    assert [path.name for path in parent.iterdir()] == ["in-use"]


def test_a_folder_is_removed_when_its_block_fails(parent: Path) -> None:
    with pytest.raises(KeyboardInterrupt), private_folder("plan"):
        raise KeyboardInterrupt
    assert [path.name for path in parent.iterdir()] == ["in-use"]


def test_the_next_run_removes_the_folder_of_a_killed_one(parent: Path) -> None:
    folder = left_behind(parent)
    (folder / "contexts").symlink_to(Path(__file__).parent)
    with private_folder("docker"):
        assert not folder.exists()
    assert Path(__file__).exists()


def test_the_folder_of_a_running_process_stays(parent: Path) -> None:
    folder = left_behind(parent)
    with (folder / "in-use").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with private_folder("plan"), private_folder("terraform"):
            assert (folder / "plan.tfplan").exists()
    with private_folder("plan"):
        assert not folder.exists()


def test_a_folder_stays_as_long_as_a_child_process_uses_it(parent: Path) -> None:
    """Terraform continues after Longshore is killed, and inherits the lock."""
    folder = left_behind(parent)
    own = os.open(folder / "in-use", os.O_RDWR)
    fcntl.flock(own, fcntl.LOCK_EX)
    inherited = os.dup(own)
    os.close(own)
    with private_folder("plan"):
        assert folder.exists()
    os.close(inherited)
    with private_folder("plan"):
        assert not folder.exists()


def test_an_empty_folder_is_removed_once_no_process_can_be_about_to_lock_it(parent: Path) -> None:
    """Its process was killed before it created the lock file."""
    for name in ("old", "new"):
        (parent / name).mkdir(parents=True)
    os.utime(parent / "old", (0, 0))
    with private_folder("plan"):
        assert not (parent / "old").exists()
        assert (parent / "new").exists()


def test_files_that_are_not_ours_stay(parent: Path) -> None:
    (parent / "notes").mkdir(parents=True)
    (parent / "notes" / "today").touch()
    os.utime(parent / "notes", (0, 0))
    (parent / "file").touch()
    (parent / "link").symlink_to(left_behind(parent.parent / "elsewhere"))
    with private_folder("plan"):
        assert (parent / "link" / "plan.tfplan").exists()
    assert sorted(path.name for path in parent.iterdir()) == ["file", "in-use", "link", "notes"]


@pytest.mark.parametrize("taken", ["file", "link", "another user"])
def test_a_name_that_another_user_has_taken_is_not_used(
    parent: Path, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = left_behind(parent.parent / "trap")
    if taken == "file":
        parent.touch()
    elif taken == "link":
        parent.symlink_to(trap.parent)
    else:
        parent.mkdir()
        real = Path.lstat
        foreign = os.stat_result((0o40700, 1, 1, 1, os.getuid() + 1, 0, 0, 0, 0, 0))
        monkeypatch.setattr(Path, "lstat", lambda path: foreign if path == parent else real(path))
    with private_folder("plan") as folder:
        assert folder.path.parent == parent.with_name(f"{parent.name}.1")
        assert stat.S_IMODE(folder.path.parent.stat().st_mode) == 0o700
    assert trap.exists()


def test_a_temporary_folder_in_which_all_names_are_taken_is_an_error(parent: Path) -> None:
    for name in (parent.name, *(f"{parent.name}.{number}" for number in range(1, 20))):
        parent.with_name(name).touch()
    with pytest.raises(LongshoreError, match="belong to another user"), private_folder("plan"):
        pass


def test_a_folder_that_others_may_read_is_closed_to_them(parent: Path) -> None:
    parent.mkdir(mode=0o755)
    with private_folder("plan"):
        assert stat.S_IMODE(parent.stat().st_mode) == 0o700


def test_an_unusable_temporary_folder_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(LongshoreError, match="cannot create a temporary folder") as caught, private_folder("plan"):
        pass
    assert "TMPDIR" in caught.value.hint


def test_without_locks_nothing_is_removed(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(_descriptor: int, _operation: int) -> None:
        raise OSError("no locks available")

    folder = left_behind(parent)
    monkeypatch.setattr(fcntl, "flock", unsupported)
    with private_folder("plan") as own:
        assert own.path.exists()
    assert folder.exists()


@pytest.mark.long
def test_a_real_process_that_is_killed_leaves_nothing_after_the_next_run(parent: Path) -> None:
    code = (
        "import time; from longshore.private_files import private_folder\n"
        "with private_folder('plan') as folder:\n"
        "    (folder.path / 'plan.tfplan').write_text('canary'); print(folder.path, flush=True); time.sleep(60)\n"
    )
    environ = {**os.environ, "TMPDIR": str(parent.parent)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        with private_folder("plan"):
            assert (folder / "plan.tfplan").exists()
        process.kill()
        process.wait()
    assert (folder / "plan.tfplan").exists()
    with private_folder("plan"):
        assert not folder.exists()
