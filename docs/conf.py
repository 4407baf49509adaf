"""Sphinx's settings for the documentation site (``make docs``).

The source folder is the project's: pages are plain Markdown, and their relative links lead to the same files here, on a
Git host, and on the site.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

project = "Longshore"
copyright = "the Longshore authors, Apache-2.0"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "docs/*.md",
    "terraform/README.md",
    "terraform/**/README.md",
    "examples/**/README.md",
    "tests/scenarios/README.md",
]
exclude_patterns = ["[.]*", "**/.terraform", "build", "dist", "requirements", "tooling"]

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
myst_links_external_new_tab = True
mermaid_fullscreen = False
mermaid_height = "auto"
suppress_warnings = ["misc.highlighting_failure"]  # Pygments does not know `for` and templates in HCL

html_theme = "furo"
html_title = "Longshore"
html_copy_source = False
html_show_sphinx = False
pygments_dark_style = "github-dark"

CHAPTERS = {
    "Start": ["../README", "getting-started", "concepts", "sandbox", "walkthrough"],
    "Use": ["operating", "commands", "configuration", "environment", "codebuild", "terraform-cloud"],
    "Terraform": [
        "terraform",
        "../terraform/README",
        "../terraform/app/README",
        "../terraform/foundation/README",
        "../terraform/modules/*/README",
        "../examples/terraform/*/README",
        "../examples/terraform/own-root/foundation/README",
    ],
    "Background": [
        "from-the-original",
        "failures",
        "aws",
        "architecture",
        "decisions",
        "contributing",
        "style",
        "../tests/scenarios/README",
        "../examples/storefront/README",
        "../CHANGELOG",
    ],
}
"""The order of the pages in the sidebar. It stands here because a Git host would show a ``toctree`` as source text."""


def add_sidebar(_app: object, page: str, source: list[str]) -> None:
    """Adds the sidebar's tree to the index, just before Sphinx reads it."""
    if page == root_doc:
        options = [":hidden:", ":glob:", ""]
        for title, pages in CHAPTERS.items():
            source[0] += "\n".join(["\n\n```{toctree}", f":caption: {title}", *options, *pages, "```\n"])


def open_folders(_app: object, page: str, source: list[str]) -> None:
    """Points a link to a folder at its README.md, as a Git host does; a folder without one becomes plain text."""
    folder = (ROOT / page).parent

    def opened(link: re.Match[str]) -> str:
        if not (folder / link[2]).is_dir():
            return link[0]
        return f"[{link[1]}]({link[2]}/README.md)" if (folder / link[2] / "README.md").exists() else link[1]

    source[0] = re.sub(r"\[([^\]\n]+)\]\(([\w./-]+)\)", opened, source[0])


def setup(app: Any) -> None:
    """Connects the hooks."""
    app.connect("source-read", open_folders)
    app.connect("source-read", add_sidebar)
