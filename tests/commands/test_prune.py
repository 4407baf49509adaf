"""Which images stay. The services, the contract and the ledger are real; ECR, ECS and SSM are played."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.aws.ecr import Tagged
from longshore.aws.ecs_types import Container, Service, Task
from longshore.commands.prune import prune
from longshore.config.contract import Contract, parse
from longshore.config.settings import load
from longshore.config.target import Target, select
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import AwsError, DeclinedError, LockedError, LongshoreError, NotReadyError, UsageError
from longshore.ledger.releases import Ledger
from longshore.result import ImageResult
from longshore.run import checks
from longshore.verdict import Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, arn, deployment, moved_clock, release_output, result, service, task

REPOSITORY = "shop/app"
SETTINGS: dict[str, Any] = {
    "region": "eu-central-1",
    "environments": {
        "test": {"account": "123456789012"},
        "production": {"account": "123456789012"},
    },
}


@dataclass
class Ecr:
    """A registry with one repository; ``stuck`` are tags that it does not give up."""

    held: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def images(self, name: str) -> Iterator[Tagged]:
        assert name == REPOSITORY
        return (Tagged(digest, tag) for tag, digest in self.held.items())

    def remove_tags(self, name: str, tags: Sequence[str]) -> dict[str, str]:
        assert name == REPOSITORY
        self.removed += [tag for tag in tags if tag not in self.stuck]
        return {tag: self.stuck[tag] for tag in tags if tag in self.stuck}


@dataclass
class Cluster:
    """ECS of one environment: every revision N runs the image v1.0.N, unless it is said otherwise."""

    running: Service = field(default_factory=lambda: service(deployment("now", "COMPLETED", revision=2)))
    images: dict[str, str] = field(default_factory=dict)
    tasks_of: list[Task] = field(default_factory=list)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        return dict.fromkeys(names, self.running)

    def tasks(self, cluster: str, name: str) -> list[Task]:
        return self.tasks_of

    def task_definition(self, name: str) -> dict[str, Any]:
        tag = f"v1.0.{name.rpartition(':')[2]}"
        sidecar = {"name": "agent", "image": "public.example/agent:latest"}
        image = self.images.get(name, f"127.0.0.1:5000/shop/app:{tag}")
        return {"containerDefinitions": [{"name": "web", "image": image}, sidecar]}


class Table(MemoryTable):
    """One that can't be read."""

    def query(self, pk: str, prefix: str = "", **rest: Any) -> Iterator[dict[str, Any]]:
        raise AwsError("DynamoDB Query: denied", code="AccessDeniedException")


@dataclass
class Shop:
    """An application with two environments and one registry."""

    folder: Path
    ecr: Ecr = field(default_factory=Ecr)
    tables: dict[str, MemoryTable] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    released: dict[str, str | None] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=lambda: SETTINGS)
    stdin: str = ""
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        shared = MemoryTable()
        for name in self.settings["environments"]:
            self.tables[name], self.clusters[name], self.released[name] = shared, Cluster(), "v1.0.2"

    def ledger(self, name: str) -> Ledger:
        return Ledger(self.tables[name], name, clock=moved_clock())

    def env(self, name: str = "test") -> Environment:
        target = select(load({"applications": {"shop": self.settings}}), self.folder, None, name)
        console = Console(self.out, self.err, io.StringIO(self.stdin), interactive=bool(self.stdin))
        return cast(Environment, Opened(self, target, console))

    def release(self, name: str, number: int, version: str, **known: Any) -> None:
        image = ImageResult(repository=REPOSITORY, tag=version, digest=f"sha256:{version}")
        values = {"release": f"{name}-{number:06d}", "sequence": number, "version": version, "environment": name}
        known = {"verdict": Verdict.SUCCEEDED, "images": {"app": image}} | known
        self.ledger(name).begin(result(**values | known))

    def push(self, *tags: str) -> None:
        self.ecr.held |= {tag: f"sha256:{tag}" for tag in tags}

    def prune(self, *, keep: int = 2, dry_run: bool = False, yes: bool = True) -> list[str]:
        prune(self.env(), keep=keep, dry_run=dry_run, yes=yes)
        return self.ecr.removed


@dataclass(frozen=True)
class Opened:
    """What prune needs of an environment."""

    shop: Shop
    target: Target
    console: Console

    @property
    def ledger(self) -> Ledger:
        return self.shop.ledger(self.target.environment)

    @property
    def aws(self) -> Any:
        name = self.target.environment
        parameters = SimpleNamespace(get=lambda _: self.shop.released[name])
        events = SimpleNamespace(task_definition=lambda _rule, _target: arn("shop-test-nightly", 2))
        return SimpleNamespace(ecr=self.shop.ecr, ecs=self.shop.clusters[name], parameters=parameters, events=events)

    def contract(self) -> Contract:
        name = self.target.environment
        return parse(release_output() | {"environment": name, "image_tag": "v1.0.2"}, "shop", name)

    def sibling(self, name: str) -> Environment:
        return self.shop.env(name)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Ten images. In test v1.0.1 to v1.0.6 were released, in production v1.0.1 and v1.0.2; all run v1.0.2."""
    monkeypatch.setattr(checks, "reach", lambda _: ACTOR)
    made = Shop(tmp_path)
    made.push(*(f"v1.0.{number}" for number in range(10)))
    for number in range(1, 7):
        made.release("test", number, f"v1.0.{number}")
    for number in (1, 2):
        made.release("production", number, f"v1.0.{number}")
    return made


def test_the_last_of_every_environment_stay_and_what_is_newer(shop: Shop) -> None:
    assert shop.prune() == ["v1.0.0", "v1.0.3", "v1.0.4"]
    assert shop.out.getvalue().splitlines() == ["shop/app:v1.0.0", "shop/app:v1.0.3", "shop/app:v1.0.4"]
    said = shop.err.getvalue()
    assert "shop/app: 3 stay: newer than every release" in said
    assert "shop/app: 2 stay: one of the last 2 versions in test" in said
    assert "shop/app: 1 stay: one of the last 2 versions in production" in said
    assert "shop/app: 1 stay: released in test" in said
    assert "shop/app: 3 removed" in said


def test_ten_stay_if_so_many_are_kept(shop: Shop) -> None:
    assert shop.prune(keep=10) == ["v1.0.0"]


def test_a_dry_run_removes_nothing_and_locks_nothing(shop: Shop) -> None:
    assert shop.prune(dry_run=True, yes=False) == []
    assert shop.out.getvalue().splitlines() == ["shop/app:v1.0.0", "shop/app:v1.0.3", "shop/app:v1.0.4"]
    assert "3 tags would be removed" in shop.err.getvalue()
    assert shop.tables["test"].get("lock#test", "lock") is None


def test_it_asks(shop: Shop) -> None:
    with pytest.raises(DeclinedError, match="not running in a terminal"):
        shop.prune(yes=False)
    shop.stdin = "n\n"
    with pytest.raises(DeclinedError, match="declined"):
        shop.prune(yes=False)
    assert shop.ecr.removed == []
    shop.stdin = "y\n"
    assert len(shop.prune(yes=False)) == 3


def test_releases_that_failed_don_t_count_and_repeated_ones_count_once(shop: Shop) -> None:
    for number in range(7, 10):
        shop.release("test", number, "v1.0.6")
    shop.release("test", 10, "v1.0.3", verdict=Verdict.ROLLED_BACK)
    assert shop.prune() == ["v1.0.0", "v1.0.3", "v1.0.4"]


@pytest.mark.parametrize("verdict", [Verdict.WAITING, Verdict.RUNNING])
def test_what_is_under_way_stays_with_its_way_back(shop: Shop, verdict: Verdict) -> None:
    shop.release("production", 3, "v1.0.3", verdict=verdict, previous_version="v1.0.4")
    shop.release("production", 4, "v1.0.2")
    assert shop.prune() == ["v1.0.0"]


def test_all_that_runs_or_may_be_started_stays(shop: Shop) -> None:
    cluster = shop.clusters["production"]
    cluster.running = service(deployment("new", "IN_PROGRESS", revision=3), deployment("old", "COMPLETED", revision=0))
    assert shop.prune() == ["v1.0.4"]


def test_a_digest_that_runs_or_is_recorded_stays_under_every_tag(shop: Shop) -> None:
    shop.ecr.held["v1.0.3"] = "sha256:v1.0.6"
    shop.clusters["test"].tasks_of = [task(Container("web", "host/shop/app@sha256:v1.0.4", "sha256:v1.0.0", None, ""))]
    assert shop.prune() == []
    assert "Nothing is to be removed" in shop.err.getvalue()


def test_the_released_tag_stays_though_nobody_recorded_it(shop: Shop) -> None:
    shop.released["production"] = "v1.0.0"
    assert shop.prune() == ["v1.0.3", "v1.0.4"]


def test_a_version_that_was_reserved_since_stays(shop: Shop) -> None:
    for name in ("v1.0.4", "v1.0.3", "v1.0.0"):
        shop.ledger("test").versions.reserve(name, f"build of {name}", "ann")
    shop.ledger("test").versions.mark_unused("v1.0.3", "build of v1.0.3", "docker build failed")
    long_ago = shop.ledger("test").versions.newest()[-1].model_copy(update={"at": WHEN - timedelta(days=1)})
    shop.tables["test"].put("version", "001-1.001-0.001-0", long_ago.model_dump(mode="json"))
    assert shop.prune() == ["v1.0.0", "v1.0.3"]


def test_a_clock_that_is_behind_takes_no_reserved_version_away(shop: Shop) -> None:
    shop.ledger("test").versions.reserve("v1.0.0", "build", "ann")
    behind = shop.ledger("test").versions.newest()[0].model_copy(update={"at": WHEN - timedelta(minutes=30)})
    shop.tables["test"].put("version", "001-1.001-0.001-0", behind.model_dump(mode="json"))
    assert shop.prune() == ["v1.0.3", "v1.0.4"]


def test_a_tag_that_is_listed_twice_is_judged_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    images = Ecr.images
    monkeypatch.setattr(Ecr, "images", lambda ecr, name: iter([*images(ecr, name), *images(ecr, name)]))
    assert shop.prune() == shop.out.getvalue().replace("shop/app:", "").split() == ["v1.0.0", "v1.0.3", "v1.0.4"]
    assert "shop/app: 3 stay: newer than every release" in shop.err.getvalue()


def test_dirty_builds_go_and_what_is_no_version_stays(shop: Shop) -> None:
    shop.push("latest", "cache", "v1.0.2-dirty.1764000000", "v1.0.9-dirty.1764000000")
    assert shop.prune() == ["v1.0.0", "v1.0.3", "v1.0.4", "v1.0.2-dirty.1764000000"]
    assert "shop/app: 1 stay: the tag is not a version" in shop.err.getvalue()


def test_nothing_goes_before_the_first_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "reach", lambda _: ACTOR)
    shop = Shop(tmp_path)
    shop.push("v1.0.0", "v0.9.0")
    assert shop.prune() == []


def test_an_environment_whose_ledger_can_not_be_read_is_named(shop: Shop) -> None:
    shop.tables["production"] = Table()
    with pytest.raises(NotReadyError, match="which images production needs is not known: DynamoDB Query: denied"):
        shop.prune()
    assert shop.ecr.removed == []


def test_an_environment_that_is_not_set_up_is_named(shop: Shop) -> None:
    shop.released["production"] = None
    with pytest.raises(NotReadyError, match=r"production needs is not known: it is not set up.*/image_tag") as caught:
        shop.prune()
    assert "invoke bootstrap -e production" in caught.value.hint
    assert "take it out of invoke.yaml" in caught.value.hint


def test_an_environment_in_another_account_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(env: Environment) -> Any:
        if env.target.environment == "production":
            raise UsageError("these credentials are for AWS account 1, but 2 is set", "Sign in to the right account.")
        return ACTOR

    monkeypatch.setattr(checks, "reach", reach)
    with pytest.raises(NotReadyError, match="production needs is not known: these credentials") as caught:
        shop.prune()
    assert caught.value.hint.startswith("Sign in to the right account. Nothing is removed before that.")


def test_an_environment_that_somebody_holds_is_waited_for_by_the_operator(shop: Shop) -> None:
    with shop.ledger("production").locks.held("owner", ACTOR, "release"), pytest.raises(LockedError, match="release"):
        shop.prune()
    assert shop.ecr.removed == []
    assert len(shop.prune()) == 3
    assert shop.ledger("test").locks.read() is None


def test_another_cloud_runs_none_of_these_images(shop: Shop) -> None:
    environments = SETTINGS["environments"] | {"sandbox": {"account": "123456789012", "endpoint": "sandbox"}}
    shop.settings = SETTINGS | {"environments": environments}
    assert len(shop.prune()) == 3
    assert "sandbox is in another cloud (sandbox)" in shop.err.getvalue()


def test_what_the_registry_does_not_give_up_is_an_error_and_the_rest_is_gone(shop: Shop) -> None:
    shop.ecr.stuck = {"v1.0.3": "an index refers to it (ImageReferencedByManifestList)"}
    with pytest.raises(LongshoreError, match=r"1 tags could not be removed:\n  shop/app:v1.0.3: an index"):
        shop.prune()
    assert shop.ecr.removed == ["v1.0.0", "v1.0.4"]


def test_no_way_back_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError, match="--keep 0"):
        shop.prune(keep=0)
