"""One journey through everything, once a session; the tests look at what it found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import journey
from tests.e2e.project import Project, make


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make(tmp_path_factory.mktemp("project"))
    made.write("invoke.yaml", journey.INVOKE_YAML)
    journey.write_gateway(made)
    try:
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


@pytest.fixture(scope="session")
def found(project: Project) -> journey.Found:
    return journey.travel(project)
