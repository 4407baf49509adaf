"""All tasks of a deployment run the digest that its first task resolved, on the scripted runtime."""

from __future__ import annotations

from typing import Any, cast

import pytest

from longshore.sandbox.ecs.container_arguments import Given, arguments
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.runtime import Launch
from longshore.sandbox.ecs.scripted_runtime import ScriptedRuntime
from longshore.sandbox.ecs.shapes import service_revision_shape
from longshore.sandbox.ecs.task_script import TaskScript
from longshore.sandbox.ecs.tasks import launch, new_task
from tests.sandbox.ecs_world import CLUSTER_ARN, World, definition, service

OLD, NEW = "sha256:old", "sha256:new"


class Shop(World):
    """A world whose tasks run what their tag points to when they start, unless they are given a digest."""

    def __init__(self) -> None:
        super().__init__()
        self.tag = OLD
        self.runtime = cast(Any, ScriptedRuntime(lambda *_: [TaskScript()], lambda _: self.tag))
        self.orchestrator.runtime = self.runtime

    def digests(self, web: Service) -> list[str]:
        return [container.image_digest for task in self.live(web) for container in task.containers]


def test_a_deployment_runs_one_digest_although_its_tag_moves() -> None:
    world = Shop()
    web = world.add(service(1))
    world.pass_time(3)
    world.tag = NEW
    web.desired = 3
    world.pass_time(3)
    assert world.digests(web) == [OLD] * 3
    (image,) = service_revision_shape(web, web.primary)["containerImages"]
    assert image == {"containerName": "web", "image": "shop/app:v1", "imageDigest": OLD}


def test_a_new_deployment_resolves_the_tag_again() -> None:
    world = Shop()
    web = world.add(service(1))
    world.pass_time(3)
    world.tag = NEW
    world.deploy(web, "web:1")
    world.pass_time(10)
    assert world.digests(web) == [NEW]


@pytest.mark.parametrize(("value", "digest"), [("disabled", NEW), ("enabled", OLD)])
def test_a_container_can_follow_its_tag(value: str, digest: str) -> None:
    world = Shop()
    web = service(1)
    world.orchestrator.fleet.services["shop", "web"] = web
    world.deploy(web, "web:1", versionConsistency=value)
    world.pass_time(3)
    world.tag = NEW
    web.desired = 2
    world.pass_time(3)
    assert world.digests(web) == [OLD, digest]
    (image,) = service_revision_shape(web, web.primary)["containerImages"]
    assert image.get("imageDigest") == (OLD if value == "enabled" else None)


def test_a_rollback_runs_the_digest_of_the_revision_that_it_returns_to() -> None:
    world = Shop()
    web = world.add(service(1))
    web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"] = {"enable": True, "rollback": True}
    world.pass_time(3)
    world.tag = NEW
    failed = world.deploy(web, "web:2")
    world.step()
    failed.stop_requested = True
    world.pass_time(10)
    assert (failed.status, world.digests(web)) == ("ROLLBACK_SUCCESSFUL", [OLD])


def test_a_one_off_task_resolves_its_tag_itself() -> None:
    task = new_task(CLUSTER_ARN, "web:1", definition(), 0.0)
    assert launch(task).digests == {}


@pytest.mark.parametrize("image", ["127.0.0.1:5000/shop/app:v1", "127.0.0.1:5000/shop/app"])
def test_docker_gets_the_digest_instead_of_the_tag(image: str) -> None:
    container = {"name": "web", "image": image}
    given = Launch("t1", "shop", "web", "web", {"containerDefinitions": [container]}, digests={"web": OLD})
    assert arguments(given, container, Given())["image"] == f"127.0.0.1:5000/shop/app@{OLD}"
    by_tag = Launch("t1", "shop", "web", "web", {"containerDefinitions": [container]})
    assert arguments(by_tag, container, Given())["image"] == image
