from __future__ import annotations

from longshore.aws.ecs import Ecs
from tests.aws.clients import scripted


def test_the_tasks_of_a_family_are_asked_for_by_no_other_filter_than_their_status() -> None:
    client, script = scripted("ecs")
    for status in ("RUNNING", "STOPPED"):
        script.add_response(
            "list_tasks",
            {"taskArns": [status]},
            {"cluster": "shop", "family": "shop-migrate", "desiredStatus": status},
        )
        described = {"taskArn": status, "taskDefinitionArn": "shop-migrate:1", "lastStatus": status, "startedBy": "ann"}
        script.add_response("describe_tasks", {"tasks": [described]}, {"cluster": "shop", "tasks": [status]})
    assert [(task.arn, task.started_by) for task in Ecs(client).tasks_of_family("shop", "shop-migrate")] == [
        ("RUNNING", "ann"),
        ("STOPPED", "ann"),
    ]
    script.assert_no_pending_responses()
