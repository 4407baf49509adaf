"""Each fuzzer with a few examples; in ``make test-all``, with very many (`tests/fuzz/fuzzer.py`)."""

from __future__ import annotations

import pytest

from tests.fuzz import aws, cloud, files, terraform
from tests.fuzz.fuzzer import FAST, LONG, run

FUZZERS = aws.FUZZERS | cloud.FUZZERS | files.FUZZERS | terraform.FUZZERS


@pytest.mark.parametrize("name", FUZZERS)
def test_a_malformed_document_is_one_error_of_ours(name: str) -> None:
    run(name, FUZZERS[name], FAST)


@pytest.mark.long
@pytest.mark.parametrize("name", FUZZERS)
def test_many_malformed_documents_are_errors_of_ours(name: str) -> None:
    run(name, FUZZERS[name], LONG)
