"""The pictures of the README show the words that a release prints today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pictures.plays import PICTURES, Picture, draw, words
from tests.scenarios.stage import Theatre

pytestmark = pytest.mark.scenario


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    stage = Theatre()
    yield stage
    stage.close()


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_shows_what_a_release_prints(theatre: Theatre, tmp_path: Path, picture: Picture) -> None:
    assert words(picture.file.read_text()) == words(draw(theatre, picture, tmp_path)), "run: make pictures"
