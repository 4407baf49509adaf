from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.stage import Theatre


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    made = Theatre()
    yield made
    made.close()
