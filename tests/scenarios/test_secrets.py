"""A roll-back by hand makes no plan before it moves: the secrets of what it goes back to are learnt all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios import shop
from tests.scenarios.play import Played, play
from tests.scenarios.scenario import read_all
from tests.scenarios.stage import Theatre

pytestmark = pytest.mark.scenario

CANARY = "canary-7f3a9c-plain-text"


def played(monkeypatch: pytest.MonkeyPatch, folder: Path, behaviour: str) -> Played:
    content = shop.content

    def with_secret(*given: Any) -> shop.Content:
        made = content(*given)
        made["containerDefinitions"][0]["environment"].append({"name": "DB_PASSWORD", "value": CANARY})
        return made

    monkeypatch.setattr(shop, "content", with_secret)
    scenario = next(one for one in read_all() if one.name == "rollback-crashes")
    theatre = Theatre()
    try:
        return play(theatre, scenario.model_copy(update={"tasks": {"web earlier": behaviour}}), folder)
    finally:
        theatre.close()


@pytest.mark.parametrize("filling", [0, 470])
def test_a_roll_back_by_hand_knows_the_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, filling: int) -> None:
    said = f"{'x' * filling} value {CANARY}"
    found = played(monkeypatch, tmp_path, f'says "{said}", exits 3 at start').found
    assert found.expected.verdict == "rolled_back"
    assert "value" in found.why
    assert "canary" not in found.console + found.why + found.told
