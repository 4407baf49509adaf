"""Each state, stop code, error, field and operation that our source names is one that AWS has."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import models
from tests.conformance.vocabulary import Word, words

ELSEWHERE: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "words.toml").read_text())["words"]
EXPLAINED = {(entry["service"], word) for entry in ELSEWHERE for word in entry["words"]}


def known(text: str, service: str) -> bool:
    """Whether the model of a service has a value, error, field or operation of this name."""
    model = models.model(service)
    if text in models.values(service) | models.errors(service) | models.fields(service) | set(model.operation_names):
        return True
    return text.endswith("_") and any(value.startswith(text) for value in models.values(service))


def unknown(word: Word) -> bool:
    return not any(known(word.text, service) or (service, word.text) in EXPLAINED for service in word.services)


def test_the_models_have_each_word_of_aws_in_our_source() -> None:
    strange = [str(word) for word in words() if unknown(word)]
    assert strange == [], (
        "botocore's models have no such value, error, field or operation. Correct the word; or, if AWS has it all the"
        " same, name its source in tests/conformance/words.toml"
    )


def test_our_source_has_words_of_each_service() -> None:
    assert {service for word in words() for service in word.services} >= set(models.SERVICES) - {"sts"}
    assert len({word.text for word in words()}) > 100


def test_a_word_with_a_typing_error_is_noticed() -> None:
    assert unknown(Word("ROLLBACK_SUCCESFUL", "x.py", 1, ("ecs",)))
    assert unknown(Word("TaskFailedToStrat", "x.py", 1, ("ecs", "events")))
    assert unknown(Word("ROLLING_BACK_", "x.py", 1, ("ecs",)))
    assert not unknown(Word("ROLLBACK_", "x.py", 1, ("ecs",)))


@pytest.mark.parametrize("entry", [entry for entry in ELSEWHERE if "in" in entry], ids=lambda entry: str(entry["in"]))
def test_the_documentation_of_the_model_names_the_word(entry: dict[str, Any]) -> None:
    text = models.text(entry["service"], entry["in"])
    assert [word for word in entry["words"] if word not in text] == []


def test_a_word_is_explained_once_and_only_if_no_model_has_it() -> None:
    assert [pair for pair in EXPLAINED if known(pair[1], pair[0])] == []
    assert len(EXPLAINED) == sum(len(entry["words"]) for entry in ELSEWHERE)
    assert [entry for entry in ELSEWHERE if ("in" in entry) == ("source" in entry)] == []
