from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.witness import watching
from tests.scenarios.stage import Theatre


@pytest.fixture(autouse=True)
def answers_in_the_shape_of_aws() -> Iterator[None]:
    """Compare every answer of the stage with AWS's models."""
    with watching() as witness:
        yield
    assert witness.take() == []


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    made = Theatre()
    yield made
    made.close()
