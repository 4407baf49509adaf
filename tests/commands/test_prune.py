"""The images that `prune` removes. The checks and the ledger are real; ECR, ECS, SSM and Terraform are fakes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGTERM, raise_signal
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.ecr import Tagged
from longshore.aws.ecs_types import Container, Service, Task
from longshore.commands.prune import prune
from longshore.config.contract import parse
from longshore.environment.environment import Environment
from longshore.errors import AwsError, DeclinedError, LockedError, LongshoreError, NotReadyError, UsageError
from longshore.ledger.releases import Ledger
from longshore.result import ImageResult
from longshore.signals import StoppedBySignal, stopping
from longshore.terminal.console import Console
from longshore.verdict import Verdict
from tests.fakes.environments import ACCOUNT, SHOP, Identity, InstalledTerraform, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, arn, deployment, moved_clock, release_output, result, service, task

REPOSITORY = "shop/app"
SETTINGS = SHOP | {"environments": {"test": {"account": ACCOUNT}, "production": {"account": ACCOUNT}}}


@dataclass
class Ecr:
    """A registry with one repository; it refuses to remove the tags in ``refused``."""

    digests: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def images(self, name: str) -> Iterator[Tagged]:
        assert name == REPOSITORY
        return (Tagged(digest, tag) for tag, digest in self.digests.items())

    def remove_tags(self, name: str, tags: Sequence[str]) -> dict[str, str]:
        assert name == REPOSITORY
        self.removed += [tag for tag in tags if tag not in self.refused]
        return {tag: self.refused[tag] for tag in tags if tag in self.refused}


@dataclass
class Ecs:
    """The ECS of one environment; revision N of a task definition has the image v1.0.N."""

    running: Service = field(default_factory=lambda: service(deployment("now", "COMPLETED", revision=2)))
    running_tasks: list[Task] = field(default_factory=list)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        return dict.fromkeys(names, self.running)

    def tasks(self, cluster: str, name: str) -> list[Task]:
        return self.running_tasks

    def task_definition(self, name: str) -> dict[str, Any]:
        web = {"name": "web", "image": f"127.0.0.1:5000/shop/app:v1.0.{name.rpartition(':')[2]}"}
        sidecar = {"name": "agent", "image": "public.example/agent:latest"}
        return {"containerDefinitions": [web, sidecar]}


class UnreadableTable(MemoryTable):
    """A table whose queries IAM denies."""

    def query(self, pk: str, prefix: str = "", **rest: Any) -> Iterator[dict[str, Any]]:
        raise AwsError("DynamoDB Query: denied", code="AccessDeniedException")


@dataclass
class Shop:
    """An application with two environments that share a registry; ``released`` are their released tags."""

    folder: Path
    ecr: Ecr = field(default_factory=Ecr)
    tables: dict[str, MemoryTable] = field(default_factory=dict)
    clusters: dict[str, Ecs] = field(default_factory=dict)
    released: dict[str, str | None] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=lambda: SETTINGS)
    stdin: str = ""
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        shared = MemoryTable()
        for name in self.settings["environments"]:
            self.tables[name], self.clusters[name], self.released[name] = shared, Ecs(), "v1.0.2"

    def ledger(self, name: str) -> Ledger:
        return Ledger(self.tables[name], name, clock=moved_clock())

    def env(self, name: str = "test") -> Environment:
        contract = parse(release_output() | {"environment": name, "image_tag": "v1.0.2"}, "shop", name)
        return environment(
            self.folder,
            name,
            settings=self.settings,
            console=Console(self.out, self.err, io.StringIO(self.stdin), interactive=bool(self.stdin)),
            ledger=self.ledger(name),
            contract=lambda: contract,
            terraform_of=lambda _stack: InstalledTerraform(),
            sibling=self.env,
            aws=SimpleNamespace(
                identity=Identity(),
                ecr=self.ecr,
                ecs=self.clusters[name],
                parameters=SimpleNamespace(get=lambda _name: self.released[name]),
                events=SimpleNamespace(task_definition=lambda _rule, _target: arn("shop-test-nightly", 2)),
            ),
        )

    def release(self, name: str, number: int, version: str, **changes: Any) -> None:
        image = ImageResult(repository=REPOSITORY, tag=version, digest=f"sha256:{version}")
        entry = {"release": f"{name}-{number:06d}", "sequence": number, "version": version, "environment": name}
        entry |= {"verdict": Verdict.SUCCEEDED, "images": {"app": image}}
        self.ledger(name).begin(result(**entry | changes))

    def reserve(self, version: str, at: datetime | None = None) -> None:
        self.ledger("test").versions.reserve(version, f"build of {version}", "ann")
        for (key, _), item in self.tables["test"].items.items():
            if at and key == "version" and item["version"] == version:
                item["at"] = at.isoformat()

    def push(self, *tags: str) -> None:
        self.ecr.digests |= {tag: f"sha256:{tag}" for tag in tags}

    def prune(self, *, keep: int = 2, dry_run: bool = False, yes: bool = True) -> list[str]:
        prune(self.env(), keep=keep, dry_run=dry_run, yes=yes)
        return self.ecr.removed


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Ten images. v1.0.1 to v1.0.6 were released to test, v1.0.1 and v1.0.2 to production; both run v1.0.2."""
    shop = Shop(tmp_path)
    shop.push(*(f"v1.0.{number}" for number in range(10)))
    for number in range(1, 7):
        shop.release("test", number, f"v1.0.{number}")
    for number in (1, 2):
        shop.release("production", number, f"v1.0.{number}")
    return shop


def test_the_last_versions_of_each_environment_and_newer_ones_are_kept(shop: Shop) -> None:
    assert shop.prune() == ["v1.0.0", "v1.0.3", "v1.0.4"]
    assert shop.out.getvalue().splitlines() == ["shop/app:v1.0.0", "shop/app:v1.0.3", "shop/app:v1.0.4"]
    lines = shop.err.getvalue().splitlines()
    assert [line for line in lines if line.startswith("shop/app")] == [
        "shop/app: 3 kept: newer than every release",
        "shop/app: 2 kept: one of the last 2 versions in test",
        "shop/app: 1 kept: one of the last 2 versions in production",
        "shop/app: 1 kept: released in test",
        "shop/app: 3 removed",
    ]


def test_keep_10_keeps_ten_versions(shop: Shop) -> None:
    assert shop.prune(keep=10) == ["v1.0.0"]


def test_a_dry_run_removes_nothing_and_takes_no_lock(shop: Shop) -> None:
    assert shop.prune(dry_run=True, yes=False) == []
    assert shop.out.getvalue().splitlines() == ["shop/app:v1.0.0", "shop/app:v1.0.3", "shop/app:v1.0.4"]
    assert "3 tags would be removed" in shop.err.getvalue()
    assert shop.tables["test"].get("lock#test", "lock") is None


def test_prune_asks_for_confirmation(shop: Shop) -> None:
    with pytest.raises(DeclinedError, match="not running in a terminal"):
        shop.prune(yes=False)
    shop.stdin = "n\n"
    with pytest.raises(DeclinedError, match="declined"):
        shop.prune(yes=False)
    assert shop.ecr.removed == []
    shop.stdin = "y\n"
    assert len(shop.prune(yes=False)) == 3


def test_failed_releases_do_not_count_and_repeated_versions_count_once(shop: Shop) -> None:
    for number in range(7, 10):
        shop.release("test", number, "v1.0.6")
    shop.release("test", 10, "v1.0.3", verdict=Verdict.ROLLED_BACK)
    assert shop.prune() == ["v1.0.0", "v1.0.3", "v1.0.4"]


@pytest.mark.parametrize("verdict", [Verdict.WAITING, Verdict.RUNNING])
def test_an_unfinished_release_keeps_its_images_and_those_to_roll_back_to(shop: Shop, verdict: Verdict) -> None:
    shop.release("production", 3, "v1.0.3", verdict=verdict, previous_version="v1.0.4")
    shop.release("production", 4, "v1.0.2")
    assert shop.prune() == ["v1.0.0"]


def test_the_images_of_all_deployments_are_kept(shop: Shop) -> None:
    cluster = shop.clusters["production"]
    cluster.running = service(deployment("new", "IN_PROGRESS", revision=3), deployment("old", "COMPLETED", revision=0))
    assert shop.prune() == ["v1.0.4"]


def test_a_digest_in_use_is_kept_under_all_of_its_tags(shop: Shop) -> None:
    shop.ecr.digests["v1.0.3"] = "sha256:v1.0.6"
    container = Container("web", "host/shop/app@sha256:v1.0.4", "sha256:v1.0.0", None, "")
    shop.clusters["test"].running_tasks = [task(container)]
    assert shop.prune() == []
    assert "There is nothing to remove" in shop.err.getvalue()


def test_the_released_tag_is_kept_even_if_the_ledger_does_not_record_it(shop: Shop) -> None:
    shop.released["production"] = "v1.0.0"
    assert shop.prune() == ["v1.0.3", "v1.0.4"]


def test_a_version_reserved_since_the_latest_release_is_kept(shop: Shop) -> None:
    shop.reserve("v1.0.4")
    shop.reserve("v1.0.3")
    shop.reserve("v1.0.0", at=WHEN - timedelta(days=1))
    shop.ledger("test").versions.mark_unused("v1.0.3", "build of v1.0.3", "docker build failed")
    assert shop.prune() == ["v1.0.0", "v1.0.3"]


def test_a_version_reserved_by_a_machine_with_a_slow_clock_is_kept(shop: Shop) -> None:
    shop.reserve("v1.0.0", at=WHEN - timedelta(minutes=30))
    assert shop.prune() == ["v1.0.3", "v1.0.4"]


def test_a_tag_that_is_listed_twice_is_counted_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    images = Ecr.images
    monkeypatch.setattr(Ecr, "images", lambda ecr, name: iter([*images(ecr, name), *images(ecr, name)]))
    assert shop.prune() == shop.out.getvalue().replace("shop/app:", "").split() == ["v1.0.0", "v1.0.3", "v1.0.4"]
    assert "shop/app: 3 kept: newer than every release" in shop.err.getvalue()


def test_dirty_builds_are_removed_and_tags_that_are_not_versions_are_kept(shop: Shop) -> None:
    shop.push("latest", "cache", "v1.0.2-dirty.1764000000", "v1.0.9-dirty.1764000000")
    assert shop.prune() == ["v1.0.0", "v1.0.3", "v1.0.4", "v1.0.2-dirty.1764000000"]
    assert "shop/app: 1 kept: the tag is not a version" in shop.err.getvalue()


def test_before_the_first_release_nothing_is_removed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.push("v1.0.0", "v0.9.0")
    assert shop.prune() == []


def test_an_environment_with_an_unreadable_ledger_stops_the_prune(shop: Shop) -> None:
    shop.tables["production"] = UnreadableTable()
    with pytest.raises(
        NotReadyError, match="cannot determine which images production still needs: DynamoDB Query: denied"
    ):
        shop.prune()
    assert shop.ecr.removed == []


def test_an_environment_that_is_not_set_up_stops_the_prune(shop: Shop) -> None:
    shop.released["production"] = None
    with pytest.raises(NotReadyError, match=r"production still needs: it is not set up.*/image_tag") as caught:
        shop.prune()
    assert "invoke bootstrap -e production" in caught.value.hint
    assert "remove it from invoke.yaml" in caught.value.hint


def test_an_environment_in_another_account_stops_the_prune(shop: Shop) -> None:
    environments = SETTINGS["environments"] | {"production": {"account": "210987654321"}}
    shop.settings = SETTINGS | {"environments": environments}
    with pytest.raises(NotReadyError, match="production still needs: these credentials are for AWS account") as caught:
        shop.prune()
    assert caught.value.hint.startswith("Sign in to the right account, or fix the setting. Nothing was removed.")
    assert shop.ledger("test").locks.read() is None


def test_a_locked_environment_stops_the_prune(shop: Shop) -> None:
    with shop.ledger("production").locks.held("owner", ACTOR, "release"), pytest.raises(LockedError, match="release"):
        shop.prune()
    assert shop.ecr.removed == []
    assert len(shop.prune()) == 3
    assert shop.ledger("test").locks.read() is None


def test_environments_with_a_different_registry_are_skipped(shop: Shop) -> None:
    environments = SETTINGS["environments"] | {"sandbox": {"account": ACCOUNT, "endpoint": "sandbox"}}
    shop.settings = SETTINGS | {"environments": environments}
    assert len(shop.prune()) == 3
    assert "Skipping sandbox: its endpoint (sandbox) has a different registry" in shop.err.getvalue()


def test_a_tag_that_the_registry_refuses_to_remove_is_an_error_and_the_others_are_removed(shop: Shop) -> None:
    shop.ecr.refused = {"v1.0.3": "an index refers to it (ImageReferencedByManifestList)"}
    with pytest.raises(LongshoreError, match=r"could not remove 1 of 3 tags:\n  shop/app:v1.0.3: an index"):
        shop.prune()
    assert shop.ecr.removed == ["v1.0.0", "v1.0.4"]


def test_keep_0_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError, match="--keep must be at least 1, got 0"):
        shop.prune(keep=0)


def test_a_signal_while_the_locks_are_freed_tells_that_all_tags_were_removed(shop: Shop) -> None:
    def interrupt(call: str, _pk: str) -> None:
        if call == "put" and shop.ecr.removed:
            raise_signal(SIGTERM)

    shop.tables["test"].before = interrupt
    with pytest.raises(StoppedBySignal) as caught, stopping():
        shop.prune()
    assert caught.value.message == "interrupted by SIGTERM: all 3 tags were removed"
    assert caught.value.hint == "There is nothing left to remove."
    assert [shop.ledger(name).locks.read() for name in ("test", "production")] == [None, None]
