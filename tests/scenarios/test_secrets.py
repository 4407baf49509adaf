"""A canary in every place and every form: the outputs, the documents, the ledger and all files are searched for it."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from longshore.commands.drift import drift
from longshore.commands.status import status
from longshore.masking import MASK, Masks
from longshore.sandbox.ecs.task_script import TaskScript, parse
from longshore.tasks import views
from longshore.terminal.console import Console
from tests.scenarios import play, shop, stage
from tests.scenarios.scenario import Scenario, read_all
from tests.scenarios.stage import Stage, Theatre

pytestmark = pytest.mark.scenario

CANARY = "canary-7f3a9c"
KNOWN = f'{CANARY}&<plain>"text"'
"""A value that Longshore reads in a task definition."""
BY_REFERENCE = f"{CANARY} by reference"
"""A value that it never reads: ECS gives it to the container."""
URL = f"postgres://shop:{CANARY}-url@db:5432/shop"
HALVES = (KNOWN[:9], KNOWN[9:])

LINES = [
    f"plain {KNOWN}",
    f"json {json.dumps(KNOWN)}",
    "go " + json.dumps(KNOWN).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    f"json in json {json.dumps(json.dumps(KNOWN))}",
    f"url {quote(KNOWN)} {quote(KNOWN, safe='').lower()}",
    *(f"base64 {base64.b64encode(b'u' * before + KNOWN.encode()).decode()}" for before in range(3)),
    f"base64 {base64.urlsafe_b64encode(KNOWN.encode()).decode().rstrip('=')}",
    f"connects to {URL}",
    f'ruby {{"POSTGRES_PASSWORD"=>"{BY_REFERENCE}", :api_key=>"{BY_REFERENCE}"}}',
    f"python environ({{'RAILS_MASTER_KEY': '{BY_REFERENCE}'}})",
    f"go map[SECRET_KEY_BASE:{BY_REFERENCE} HOME:/root]",
    f"java {{dbPassword={BY_REFERENCE}, port=1}}",
    f"node {{ 'x-api-key': '{BY_REFERENCE}' }}",
    f'one event\n  of several lines: password="{BY_REFERENCE}"',
    f"one half {HALVES[0]}",
    f"{HALVES[1]} another half",
]
FORMS = {
    CANARY, HALVES[0], HALVES[1], quote(KNOWN, safe=""), base64.b64encode(KNOWN.encode()).decode()[:16],
    base64.b64encode(b"u" + KNOWN.encode()).decode()[4:16], base64.b64encode(b"uu" + KNOWN.encode()).decode()[4:16],
}  # fmt: skip


def with_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives each container the values, and lets each one that the scenario makes fail print everything."""
    content = shop.content

    def with_values(*given: Any) -> shop.Content:
        made = content(*given)
        values = {"DB_PASSWORD": KNOWN, "DATABASE_URL": URL, "COPY": f"{KNOWN} of {given[4]}"}
        made["containerDefinitions"][0]["environment"] += [{"name": n, "value": v} for n, v in values.items()]
        return made

    def talking(text: str) -> Sequence[TaskScript]:
        return [replace(script, says=(*script.says, *LINES)) for script in parse(text)]

    monkeypatch.setattr(shop, "content", with_values)
    monkeypatch.setattr(stage, "parse", talking)


def fresh(acting: Stage) -> tuple[play.StagedEnvironment, io.StringIO]:
    """An environment as the next process has it, which has learned nothing yet, and all that it prints."""
    env, shown = play.staged(acting), io.StringIO()
    object.__setattr__(env, "console", Console(shown, shown, io.StringIO(), interactive=False, masks=Masks()))
    return env, shown


def everything(theatre: Theatre, scenario: Scenario, folder: Path) -> dict[str, str]:
    """Plays a scenario and every command that reads its outcome; returns all that a person or a file then has."""
    with theatre.stage(scenario, folder) as acting:
        env, shown = fresh(acting)
        play.record_releases(env)
        with acting.command():
            result, error = play._run(env)
        assert result, error
        texts = {"the console": shown}
        views.result(env.console, result, as_json=True)
        document = folder / "release.json"
        document.write_text(json.dumps(result.masked(env.console.masks).document()))
        for as_json in (False, True):
            name = "the document" if as_json else "the text"
            env, texts[f"{name} of status"] = fresh(acting)
            views.status(env.console, status(env), as_json=as_json)
            env, texts[f"{name} of drift"] = fresh(acting)
            views.drift(env.console, drift(env), as_json=as_json)
            env, texts[f"{name} of history"] = fresh(acting)
            views.history(env.console, list(islice(env.ledger.entries(), 9)), as_json=as_json)
            env, texts[f"{name} of show"] = fresh(acting)
            views.show_release(env.console, env.ledger, result.release, as_json=as_json)
        env, texts["the exports"] = fresh(acting)
        views.exports(env.console, document)
        ledger = acting.client("dynamodb").scan(TableName=shop.TABLE)["Items"]
    files = {str(path): path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file()}
    return {**{name: text.getvalue() for name, text in texts.items()}, **files, "the ledger": json.dumps(ledger)}


@pytest.mark.parametrize(
    ("name", "tasks"),
    [
        ("variables-changed", {}),
        ("migration-exits-3", {}),
        ("rollback-crashes", {"web earlier": "exits 3 at start"}),
    ],
)
def test_a_canary_is_found_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, tasks: dict[str, str]
) -> None:
    with_secrets(monkeypatch)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    for variable in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    scenario = next(one for one in read_all() if one.name == name)
    theatre = Theatre()
    try:
        texts = everything(theatre, scenario.model_copy(update={"tasks": {**scenario.tasks, **tasks}}), tmp_path)
    finally:
        theatre.close()
    assert {place: form for place, text in texts.items() for form in FORMS if form in text} == {}
    for place in ("the console", "the ledger", "the text of show", "the document of show"):
        assert f"plain {MASK}" in texts[place], place


@pytest.mark.parametrize("filling", [0, 470])
def test_a_roll_back_by_hand_knows_the_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, filling: int) -> None:
    """A rollback makes no plan before it moves: the secrets of its target are read all the same."""
    monkeypatch.setattr(f"{__name__}.LINES", [f"{'x' * filling} value {KNOWN}"])
    with_secrets(monkeypatch)
    scenario = next(one for one in read_all() if one.name == "rollback-crashes")
    theatre = Theatre()
    try:
        found = play.play(
            theatre, scenario.model_copy(update={"tasks": {"web earlier": "exits 3 at start"}}), tmp_path
        ).found
    finally:
        theatre.close()
    assert found.expected.verdict == "rolled_back"
    assert "value" in found.why
    assert "canary" not in found.console + found.why + found.told
