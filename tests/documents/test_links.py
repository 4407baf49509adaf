"""Every reference leads to a file of the repository: links with their anchors, and paths in texts and comments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.markdown import Page, pages, tracked
from tests.paths import ROOT

_FOLDERS = r"docs|tests|scripts|terraform|environments|examples|requirements|tooling"
_PATH = re.compile(rf"(?<![\w./{{-])(?:{_FOLDERS})/[\w./-]*\w\.(?:md|py|toml|tf|tfvars|txt|in|sh|yml|yaml|hcl|svg)\b")
_PAGE = re.compile(r"(?<![\w/.-])[\w-]+\.md\b(?!\])")
_SOURCES = ("tooling/**/*.py", "scripts/**/*", "terraform/**/*.tf", "terraform/**/*.toml", "docs/*.py", "tests/**/*.py")
_TOP = ("Makefile", "invoke.yaml", "buildspec.yml", "buildspec.image.yml", "pyproject.toml", ".ci/run", "tasks.py")


def leads_nowhere(path: str, folder: Path = Path()) -> bool:
    """Whether a path is neither below the project, nor below a folder, nor below the package."""
    return not {path, str(folder / path), f"tooling/longshore/{path}"} & tracked()


def broken(page: Page) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    known = {other.name: other for other in pages()}
    for link in page.links():
        path, _, anchor = link.partition("#")
        target = os.path.normpath(Path(page.name).parent / path) if path else page.name
        if target not in tracked():
            yield f"{page.name}: {link}: no such file"
        elif anchor and (target not in known or anchor not in known[target].anchors()):
            yield f"{page.name}: {link}: no such heading"


def sources() -> Iterator[tuple[str, str]]:
    """Every file with texts or comments in which a path may be named."""
    names = {str(path.relative_to(ROOT)) for pattern in _SOURCES for path in ROOT.glob(pattern)}
    for name in sorted({*names, *_TOP} & tracked()):
        if (ROOT / name).is_file() and name != "scripts/words/rules.py":
            yield name, (ROOT / name).read_text()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Page) -> None:
    assert list(broken(page)) == []


def test_every_path_in_a_page_is_that_of_a_file() -> None:
    wrong = [
        f"{page.name}: {path}"
        for page in pages()
        for path in _PATH.findall(page.prose)
        if leads_nowhere(path, Path(page.name).parent)
    ]
    assert wrong == []


def test_every_path_in_the_code_is_that_of_a_file() -> None:
    named = ((name, path) for name, text in sources() for path in _PATH.findall(text) if leads_nowhere(path))
    # Tests make files of their own, whose names begin as those of the project.
    assert [ref for ref in named if not ref[0].startswith("tests/") or ref[1].endswith((".md", ".py"))] == []


def test_every_page_that_the_code_names_is_there() -> None:
    names = {Path(name).name for name in tracked()}
    wrong = [f"{name}: {page}" for name, text in sources() for page in _PAGE.findall(text) if page not in names]
    wrong = [line for line in wrong if not line.startswith("tests/")]
    assert wrong == []


@pytest.mark.parametrize(
    ("question", "link"),
    [
        ("set one up", "docs/getting-started.md"),
        ("read exit code 9", "docs/concepts.md#exit-codes"),
        ("free a lock", "docs/operating.md#the-environment-is-locked"),
        ("write an own root", "docs/terraform.md#rules-for-your-own-root"),
        ("add a service", "docs/terraform.md#add-a-service"),
    ],
)
def test_the_readme_answers_a_question_with_one_link(question: str, link: str) -> None:
    assert link in Page("README.md", (ROOT / "README.md").read_text()).links()


def test_the_readme_has_at_most_200_lines() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 200
