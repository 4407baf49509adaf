from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from longshore import git
from longshore.errors import GitError


def run_git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path, subject: str = "Greet the world") -> Path:
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".gitignore").write_text("*.log\n")
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, subject)
    return folder


def commit(folder: Path, subject: str) -> str:
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", subject)
    return run_git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _own_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop")


def test_a_clean_commit_is_read(shop: Path) -> None:
    source = git.read(shop / "app")
    assert source == git.Source(
        shop.resolve(), run_git(shop, "rev-parse", "HEAD"), "Greet the world", author="Ann <ann@example.org>"
    )
    assert len(source.commit) == 40
    assert not source.dirty
    git.refuse_dirty(source)


def test_the_repository_is_the_one_that_holds_the_path(shop: Path) -> None:
    inner = repository(shop / "vendored", "Inner")
    (shop / "app" / "new.txt").write_text("outer change")
    assert git.read(inner / "app").subject == "Inner"
    assert not git.read(inner / "app").dirty
    assert git.read(shop / "app").dirty


def test_the_repository_of_a_calling_hook_is_ignored(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = repository(tmp_path / "other", "Other")
    monkeypatch.setenv("GIT_DIR", str(hook / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(hook / ".git" / "index"))
    assert git.read(shop / "app").subject == "Greet the world"


def test_changes_anywhere_in_the_tree_make_it_dirty(shop: Path) -> None:
    (shop / "README.md").write_text("new\n")
    (shop / "app" / "Dockerfile").write_text("FROM busybox\n")
    (shop / "debug.log").write_text("ignored\n")
    source = git.read(shop / "app")
    assert source.changed == ("app/Dockerfile", "README.md")
    with pytest.raises(GitError, match=r"uncommitted changes:\n  app/Dockerfile\n  README.md$") as caught:
        git.refuse_dirty(source)
    assert "--allow-dirty" in caught.value.hint


def test_unusual_file_names_are_read_completely(shop: Path) -> None:
    run_git(shop, "mv", "app/Dockerfile", "app/Containerfile")
    (shop / "two words -> \u00fc.txt").write_text("")
    (shop / "line\nfeed").write_text("")
    source = git.read(shop)
    assert sorted(source.changed) == ["app/Containerfile", "app/Dockerfile", "line\nfeed", "two words -> \u00fc.txt"]
    with pytest.raises(GitError, match=r"line\?feed"):
        git.refuse_dirty(source)


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, "\n  and 1 more"), (25, "\n  and 15 more")])
def test_the_error_names_ten_files(shop: Path, count: int, more: str) -> None:
    for number in range(count):
        (shop / f"new-{number:02}").write_text("")
    with pytest.raises(GitError) as caught:
        git.refuse_dirty(git.read(shop))
    named = "".join(f"\n  new-{number:02}" for number in range(min(count, 10)))
    assert caught.value.message.endswith(f"uncommitted changes:{named}{more}")


def test_a_git_setting_cannot_hide_untracked_files(shop: Path) -> None:
    run_git(shop, "config", "status.showUntrackedFiles", "no")
    (shop / "new").write_text("")
    assert git.read(shop).changed == ("new",)


def test_untracked_files_in_a_submodule_are_ignored(shop: Path, tmp_path: Path) -> None:
    repository(tmp_path / "library", "Library")
    run_git(shop, "submodule", "--quiet", "add", str(tmp_path / "library"), "library")
    commit(shop, "Use the library")
    (shop / "library" / "untracked").write_text("")
    assert not git.read(shop).dirty
    (shop / "library" / "app" / "Dockerfile").write_text("FROM busybox\n")
    assert git.read(shop).changed == ("library",)


def test_reading_does_not_write_the_index(shop: Path) -> None:
    index = shop / ".git" / "index"
    os.utime(shop / "app" / "Dockerfile", (1, 1))  # git status would refresh its index now
    before = index.read_bytes()
    assert not git.read(shop).dirty
    assert index.read_bytes() == before


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="there is no folder") as caught:
        git.read(tmp_path / "missing")
    assert "context" in caught.value.hint


def test_a_folder_outside_a_repository_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(GitError, match=f"{tmp_path} is not in a git repository: fatal: not a git repository") as caught:
        git.read(tmp_path)
    assert "git init" in caught.value.hint


def test_a_repository_without_a_commit_is_an_error(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    with pytest.raises(GitError, match="has no commit") as caught:
        git.read(tmp_path)
    assert "commit" in caught.value.hint


def test_a_missing_git_is_an_error(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(GitError, match="cannot run git") as caught:
        git.read(shop)
    assert caught.value.hint == "Install git."


def test_control_characters_in_a_subject_are_replaced(tmp_path: Path) -> None:
    source = git.read(repository(tmp_path / "odd", "Gr\u00fc\u00dfe \x1b[31mred"))
    assert source.subject == "Gr\u00fc\u00dfe ?[31mred"


def test_the_remote_is_origin_or_the_only_one(shop: Path) -> None:
    assert git.read(shop).remote is None
    run_git(shop, "remote", "add", "mirror", "https://mirror.example/shop.git")
    assert git.read(shop).remote == "https://mirror.example/shop.git"
    run_git(shop, "remote", "add", "origin", "https://ann:canary@git.example/shop.git")
    source = git.read(shop)
    assert source.remote == "https://git.example/shop.git"
    assert "canary" not in repr(source)


@pytest.mark.parametrize(
    ("url", "published"),
    [
        ("https://github.com/acme/shop.git", "https://github.com/acme/shop.git"),
        ("https://ann@git.example:8443/shop", "https://git.example:8443/shop"),
        ("https://ann:to%40ken@git.example/shop", "https://git.example/shop"),
        ("https://x:a@b@git.example/shop", "https://git.example/shop"),
        ("https://git.example/shop?private_token=canary#main", "https://git.example/shop"),
        ("ssh://git@git.example:22/shop.git", "ssh://git@git.example:22/shop.git"),
        ("ssh://git:canary@git.example/shop.git", "ssh://git@git.example/shop.git"),
        ("git@github.com:acme/shop.git", "git@github.com:acme/shop.git"),
        ("/srv/git/shop.git", None),
        ("../shop", None),
        ("file:///srv/git/shop.git", None),
        ("./odd:name", None),
    ],
)
def test_a_remote_is_published_without_credentials(url: str, published: str | None) -> None:
    assert git.without_credentials(url) == published


def test_only_an_ancestor_is_older(shop: Path) -> None:
    first = git.read(shop / "app")
    (shop / "app" / "new.txt").write_text("more")
    second = commit(shop, "More")
    assert git.is_older(first, second) is True
    assert git.is_older(git.read(shop / "app"), first.commit) is False
    assert git.is_older(first, first.commit) is False
    run_git(shop, "checkout", "--quiet", "--detach", first.commit)
    (shop / "app" / "other.txt").write_text("another branch")
    commit(shop, "Beside")
    assert git.is_older(git.read(shop / "app"), second) is False, "a commit on another branch is not older"
    assert git.is_older(first, "0" * 40) is None, "this clone does not have it"


def test_a_shallow_clone_without_the_history_cannot_tell_whether_a_commit_is_older(shop: Path, tmp_path: Path) -> None:
    first = run_git(shop, "rev-parse", "HEAD")
    for number in range(3):
        (shop / "app" / "new.txt").write_text(str(number))
        last = commit(shop, f"More {number}")
    clone = tmp_path / "shallow"
    run_git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{shop}", str(clone))
    run_git(clone, "fetch", "--quiet", "--depth=1", "origin", first)
    run_git(clone, "checkout", "--quiet", "--detach", first)
    assert git.is_older(git.read(clone / "app"), last) is None
    (clone / "app" / "new.txt").write_text("on top")
    commit(clone, "On top")
    assert git.is_older(git.read(clone / "app"), first) is False


def test_a_partial_clone_fetches_nothing(shop: Path, tmp_path: Path) -> None:
    """A promisor remote would be asked for the commit, and might ask for a password."""
    other = run_git(repository(tmp_path / "other", "Other"), "rev-parse", "HEAD")
    settings = {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"file://{tmp_path / 'other'}",
        "remote.origin.promisor": "true",
        "protocol.file.allow": "always",
    }
    for name, value in settings.items():
        run_git(shop, "config", name, value)
    source = git.read(shop)
    assert git.is_older(source, other) is None
    assert not list((shop / ".git" / "objects" / "pack").iterdir())
    run_git(shop, "cat-file", "-e", other)  # git itself fetches it
    assert git.is_older(source, other) is False


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_WORK_TREE": "/"},
        {"GIT_COMMON_DIR": "/no/such"},
        {"GIT_OBJECT_DIRECTORY": "/no/such"},
        {"GIT_NAMESPACE": "other"},
        {"GIT_LITERAL_PATHSPECS": "1"},
        {"GIT_REPLACE_REF_BASE": "refs/other/"},
        {"GIT_TRACE": "1", "GIT_TRACE_SETUP": "1"},
        {"LANG": "de_DE.UTF-8", "LANGUAGE": "de"},
        {"GIT_PAGER": "false", "PAGER": "false"},
    ],
    ids=",".join,
)
def test_variables_of_the_machine_do_not_change_what_is_read(
    shop: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    (shop / "app" / "n\u00e4w.txt").write_text("new")
    expected = git.read(shop / "app")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert git.read(shop / "app") == expected


@pytest.mark.parametrize(
    "setting",
    [
        "color.ui=always",
        "core.fsmonitor=/no/such/monitor",
        "core.pager=false",
        "core.quotePath=true",
        "format.pretty=fuller",
        "i18n.logOutputEncoding=latin1",
        "log.decorate=full",
        "log.showRoot=false",
        "log.showSignature=true",
        "status.branch=true",
        "status.relativePaths=true",
        "status.short=true",
        "status.showStash=true",
        "status.showUntrackedFiles=no",
        "alias.status=log",
    ],
)
def test_settings_of_the_machine_do_not_change_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    shop = repository(tmp_path / "shop", "Gr\u00fc\u00dfe")
    (shop / "app" / "n\u00e4w.txt").write_text("new")
    expected = git.read(shop / "app")
    key, _, value = setting.partition("=")
    for name, text in {"COUNT": "1", "KEY_0": key, "VALUE_0": value}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", text)
    assert git.read(shop / "app") == expected
    assert expected.subject == "Gr\u00fc\u00dfe"
    assert expected.changed == ("app/n\u00e4w.txt",)


def test_a_repository_of_another_user_is_refused_with_the_command_that_trusts_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr(git, "_KEPT", (*git._KEPT, "GIT_TEST_"))
    with pytest.raises(GitError, match="dubious ownership") as refused:
        git.read(shop / "app")
    trust = f"git config --global --add safe.directory {shop}"
    assert refused.value.hint == f"The folder belongs to another user. If you trust it, run: {trust}"


def test_a_worktree_and_a_detached_checkout_are_read(shop: Path, tmp_path: Path) -> None:
    run_git(shop, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert git.read(tmp_path / "tree" / "app").commit == git.read(shop / "app").commit
