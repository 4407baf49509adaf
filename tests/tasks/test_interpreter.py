"""Settings of Python in the caller's environment."""

from __future__ import annotations

import sys
import warnings

import pytest

from longshore.tasks import interpreter


@pytest.mark.parametrize("option", ["error", "e", "error::DeprecationWarning", " error:a message:UserWarning"])
def test_a_warning_of_a_library_ends_nothing(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", ["ignore::ImportWarning", option])
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("error")
        interpreter.install()
        warnings.warn("a message", DeprecationWarning, stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["a message"]


@pytest.mark.parametrize("options", [[], ["default"], ["ignore"], ["ignore::DeprecationWarning"]])
def test_other_filters_stay(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", options)
    with warnings.catch_warnings():
        before = list(warnings.filters)
        interpreter.install()
        assert list(warnings.filters) == before
