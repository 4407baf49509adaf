"""The revisions that `make bench-verdicts` gives the peers to deploy."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

from scripts.verdicts.copies import Copies

VARIABLES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


def test_a_copy_keeps_the_parts_of_the_task_that_its_container_needs() -> None:
    copies, ecs = Copies(VARIABLES), MagicMock()
    copies.ecs = ecs
    container: dict[str, Any] = {
        "name": "web",
        "image": "127.0.0.1:5000/verdicts/app:v1.0.0",
        "environment": [{"name": "RELEASE_VERSION", "value": "v1.0.0"}],
        "mountPoints": [{"sourceVolume": "writable", "containerPath": "/tmp"}],
    }
    volumes = [{"name": "writable"}]
    ecs.describe_services.return_value = {"services": [{"taskDefinition": "verdicts-web:1"}]}
    ecs.describe_task_definition.return_value = {
        "taskDefinition": {"family": "verdicts-web", "containerDefinitions": [container], "volumes": volumes}
    }
    copies.register("verdicts-copy", "v1.0.1")
    (call,) = ecs.register_task_definition.call_args_list
    assert call.kwargs["family"] == "verdicts-copy"
    assert call.kwargs["volumes"] == volumes
    (registered,) = call.kwargs["containerDefinitions"]
    assert registered["image"] == "127.0.0.1:5000/verdicts/app:v1.0.1"
    assert registered["environment"] == [{"name": "RELEASE_VERSION", "value": "v1.0.1"}]
    assert registered["mountPoints"] == container["mountPoints"]
