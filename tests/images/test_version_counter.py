from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from longshore.aws.dynamodb import Table
from longshore.aws.ecr import Ecr
from longshore.errors import UsageError
from longshore.images import version
from longshore.images.version import Bump, Version
from longshore.images.version_counter import Claim, VersionCounter, VersionRequest
from longshore.ledger.issued_versions import Versions
from longshore.masking import Masks
from tests.fakes.memory_table import MemoryTable

APP, WORKER = "shop/app", "shop/worker"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
ANN = Claim("test-000001", "ann")


@dataclass
class Registry:
    """Tags by repository; ``calls`` are the calls in order."""

    held: dict[str, set[str]] = field(default_factory=lambda: {APP: set()})
    calls: list[str] = field(default_factory=list)

    def tags(self, name: str) -> Iterator[str]:
        self.calls.append(f"list {name}")
        return iter(sorted(self.held[name]))

    def existing_tags(self, name: str, tags: Sequence[str]) -> set[str]:
        assert len(tags) <= 100
        self.calls.append(f"lookup {name}")
        return self.held[name] & set(tags)


@dataclass
class OneAtATime(MemoryTable):
    """A table whose conditional writes are atomic across threads."""

    lock: Any = field(default_factory=threading.Lock)

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **rest: Any) -> bool:
        with self.lock:
            return super().put(pk, sk, item, **rest)

    def query(self, pk: str, prefix: str = "", **rest: Any) -> Iterator[dict[str, Any]]:
        with self.lock:
            return iter(list(super().query(pk, prefix, **rest)))


@dataclass
class Shop:
    """An application: its registry, its ledger, and the calls to both."""

    registry: Registry = field(default_factory=Registry)
    table: MemoryTable = field(default_factory=OneAtATime)
    recorded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table.before = lambda call, _pk: self.registry.calls.append(call)

    @property
    def counter(self) -> VersionCounter:
        return VersionCounter(
            self.registry, list(self.registry.held), Versions(self.table, Masks()), lambda: self.recorded
        )

    def peek(self, bump: Bump = "patch", series: str | None = None, *, recount: bool = False) -> str:
        return str(self.counter.peek(VersionRequest(bump, series, recount)))

    def reserve(
        self, bump: Bump = "patch", series: str | None = None, *, recount: bool = False, claim: Claim | None = None
    ) -> str:
        return str(
            self.counter.reserve(VersionRequest(bump, series, recount), claim or Claim.of_command("test", "ann"))
        )

    def calls(self) -> list[str]:
        calls, self.registry.calls = self.registry.calls, []
        return calls


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def counted(shop: Shop) -> Shop:
    """A shop whose counter is at v1.4.7."""
    shop.registry.held[APP] = {f"v1.4.{number}" for number in range(7)} | {"latest"}
    assert shop.reserve() == "v1.4.7"
    shop.calls()
    return shop


def test_the_first_version_of_all(shop: Shop) -> None:
    assert shop.peek() == "v1.0.0"
    assert shop.calls() == ["query", "list shop/app"]
    assert shop.reserve() == "v1.0.0"
    assert shop.reserve() == "v1.0.1"


def test_peeking_takes_two_calls_and_reserving_three(counted: Shop) -> None:
    assert counted.peek() == counted.peek() == "v1.4.8"
    assert counted.calls() == ["query", "lookup shop/app"] * 2
    assert counted.reserve() == "v1.4.8"
    assert counted.calls() == ["query", "lookup shop/app", "put"]


@pytest.mark.parametrize(("bump", "expected"), [("patch", "v1.4.8"), ("minor", "v1.5.0"), ("major", "v2.0.0")])
def test_a_bump_increases_its_number(counted: Shop, bump: Bump, expected: str) -> None:
    assert counted.peek(bump) == counted.reserve(bump) == expected
    assert version.parse(counted.reserve(bump)) > version.parse(expected)


def test_a_version_is_not_issued_twice_even_if_its_image_is_gone(counted: Shop) -> None:
    assert counted.reserve() == "v1.4.8"
    counted.registry.held[APP] = set()
    assert counted.peek() == counted.peek(recount=True) == counted.reserve() == "v1.4.9"


def test_versions_released_before_there_was_a_counter_count(shop: Shop) -> None:
    shop.registry.held[APP] = {"v1.0.2"}
    shop.recorded = ["v1.0.3", "", "v1.0.4-dirty.1764000000", "unreleased"]
    assert shop.reserve() == "v1.0.4"


def test_the_highest_of_all_repositories_counts_and_each_is_asked_once(counted: Shop) -> None:
    counted.registry.held[WORKER] = {"v1.4.9"}
    assert counted.peek() == "v1.4.10"
    assert counted.calls() == ["query", *["lookup shop/app", "lookup shop/worker"] * 2]
    del counted.registry.held[WORKER]
    counted.registry.held = {WORKER: {"v1.7.0"}} | counted.registry.held
    assert Shop(registry=counted.registry).reserve() == "v1.7.1"


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [("v1.4.8", "v1.4.9"), ("v1.4.60", "v1.4.61"), ("v1.5.0", "v1.5.1"), ("v2.0.0", "v2.0.1"), ("v9.0.0", "v9.0.1")],
)
def test_a_foreign_tag_just_above_is_seen_by_the_lookup(counted: Shop, foreign: str, expected: str) -> None:
    counted.registry.held[APP] |= {foreign, f"{foreign}-rc.1"}
    assert counted.peek() == expected
    assert counted.calls() == ["query", "lookup shop/app", "lookup shop/app"]


def test_a_foreign_tag_far_above_is_seen_by_a_recount(counted: Shop) -> None:
    counted.registry.held[APP] |= {"v77.3.5"}
    assert counted.peek() == "v1.4.8"
    assert counted.peek(recount=True) == counted.reserve(recount=True) == "v77.3.6"
    counted.calls()
    assert counted.peek() == "v77.3.7", "the recount is remembered"
    assert counted.calls() == ["query", "lookup shop/app"]


def test_many_foreign_tags_above_lead_to_a_listing(counted: Shop) -> None:
    counted.registry.held[APP] |= {f"v1.4.{number}" for number in range(8, 1000)}
    assert counted.peek() == "v1.4.1000"
    assert counted.calls() == ["query", *["lookup shop/app"] * 3, "list shop/app"]


def test_a_series_has_its_own_counter(counted: Shop) -> None:
    assert counted.reserve("major") == "v2.0.0"
    counted.registry.held[APP] |= {"v1.4.9", "v1.5.0"}
    counted.calls()
    assert counted.peek(series="v1.4") == "v1.4.10"
    assert counted.calls() == ["query", "lookup shop/app", "lookup shop/app"]
    assert counted.reserve(series="v1.4") == "v1.4.10"
    assert counted.reserve(series="v1.4") == "v1.4.11"
    assert counted.reserve() == "v2.0.1"


def test_a_series_without_an_issued_version_is_listed(counted: Shop) -> None:
    counted.registry.held[APP] |= {"v1.2.3"}
    assert counted.peek(series="v1.2") == "v1.2.4"
    assert counted.calls() == ["query", "list shop/app"]
    assert counted.peek(series="v3.0") == "v3.0.0"


def test_the_first_version_of_all_may_be_in_a_series(shop: Shop) -> None:
    shop.registry.held[APP] = {"v1.2.3", "v40.7.9"}
    assert shop.reserve(series="v1.2") == "v1.2.4"
    assert shop.peek() == shop.reserve() == "v40.7.10"


@pytest.mark.parametrize("request_", [VersionRequest(series="1"), VersionRequest("minor", "v1.0")])
def test_invalid_options_are_refused_before_any_call(shop: Shop, request_: VersionRequest) -> None:
    for verb in (shop.counter.peek, lambda options: shop.counter.reserve(options, ANN)):
        with pytest.raises(UsageError):
            verb(request_)
    assert shop.calls() == []


def test_a_resumed_release_keeps_its_version(counted: Shop) -> None:
    first = counted.reserve(claim=ANN)
    assert counted.reserve() != first
    counted.registry.held[APP].add(first)
    assert counted.reserve(claim=ANN) == first
    assert counted.reserve("patch", "v1.4", claim=ANN) == first


def test_a_version_whose_build_failed_is_not_issued_again(counted: Shop) -> None:
    first = counted.reserve(claim=ANN)
    counted.counter.versions.mark_unused(first, ANN.by, "docker build failed")
    assert version.parse(counted.reserve(claim=ANN)) > version.parse(first)


def test_the_slower_of_two_processes_gets_the_next_version(counted: Shop) -> None:
    rival = VersionCounter(Registry(), [APP], Versions(counted.table, Masks()))
    existing_tags = counted.registry.existing_tags

    def rival_first(name: str, tags: Sequence[str]) -> set[str]:
        counted.registry.existing_tags = existing_tags  # type: ignore[method-assign]
        assert str(rival.reserve(VersionRequest(), Claim("rival", "bob"))) == "v1.4.8"
        return existing_tags(name, tags)

    counted.registry.existing_tags = rival_first  # type: ignore[method-assign]
    assert counted.reserve() == "v1.4.9"


@pytest.mark.parametrize("bump", ["patch", "minor", "major"])
@pytest.mark.parametrize("recount", [False, True])
def test_eight_concurrent_processes_get_eight_versions(shop: Shop, bump: Bump, *, recount: bool) -> None:
    begin, taken = threading.Barrier(8), []

    def run() -> None:
        begin.wait(5)
        taken.append(shop.reserve(bump, recount=recount))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(map(version.parse, taken))
    assert len(set(taken)) == 8
    assert str(ordered[-1]) == {"patch": "v1.0.7", "minor": "v1.7.0", "major": "v8.0.0"}[bump]


@pytest.mark.scenario  # takes longer than the fast tests may
def test_listing_more_tags_takes_no_more_memory(shop: Shop) -> None:
    class Endless(Registry):
        def tags(self, name: str) -> Iterator[str]:
            return (f"v1.0.{number}" for number in range(20_000))

    big = Shop(registry=Endless())
    shop.peek()
    tracemalloc.start()
    assert big.peek() == "v1.0.20000"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_the_calls_that_aws_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setitem(os.environ, name, "test")
    calls: list[str] = []
    with mock_aws():
        session = boto3.Session(region_name="eu-central-1")
        session.events.register("before-call", lambda model, **_: calls.append(model.name))
        ecr, dynamodb = session.client("ecr"), session.client("dynamodb")
        ecr.create_repository(repositoryName=APP)
        for number in range(120):
            manifest = f'{{"schemaVersion": 2, "mediaType": "{MEDIA_TYPE}", "config": {{"digest": "{number}"}}}}'
            ecr.put_image(repositoryName=APP, imageManifest=manifest, imageTag=f"v1.0.{number}")
        dynamodb.create_table(
            TableName="shop-releases",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        counter = VersionCounter(Ecr(ecr), [APP], Versions(Table(dynamodb, "shop-releases"), Masks()))
        assert str(counter.reserve(VersionRequest(), ANN)) == "v1.0.120"
        calls.clear()
        assert str(counter.peek(VersionRequest())) == "v1.0.121"
        assert calls == ["Query", "BatchGetImage"]
        assert str(counter.reserve(VersionRequest(), Claim("test-000002", "ann"))) == "v1.0.121"
        assert calls == ["Query", "BatchGetImage"] * 2 + ["PutItem"]


small = st.integers(min_value=0, max_value=12)
tags = st.builds(Version, small, small, small).map(str)
junk = st.sampled_from(["latest", "v1", "v01.0.0", "v99.0.0-rc.1", "unreleased"])
bumps: st.SearchStrategy[Bump] = st.sampled_from(["patch", "minor", "major"])


@given(held=st.sets(st.one_of(tags, junk)), issued=st.lists(tags, max_size=6), bump=bumps, pushed=st.booleans())
def test_the_next_version_is_higher_than_all_of_registry_and_ledger(
    held: set[str], issued: list[str], bump: Bump, *, pushed: bool
) -> None:
    shop = Shop(Registry({APP: held, WORKER: set()}))
    for number, tag in enumerate(issued):
        shop.counter.versions.reserve(tag, f"test-{number:06d}", "ann")
    ceiling = version.survey([*held, *issued]).highest
    following = version.parse(shop.reserve(bump, recount=True))
    assert ceiling is None or following > ceiling
    if pushed:
        held.add(str(following))
    # From here on the counter suffices.
    assert version.parse(shop.peek(bump)) > following
    assert version.parse(shop.reserve(bump)) > following


@pytest.mark.scenario  # takes longer than the fast tests may
@given(st.sets(st.one_of(tags, junk)), st.lists(st.tuples(bumps, st.booleans(), st.booleans()), max_size=8))
def test_no_version_is_issued_twice_even_if_images_are_deleted(
    held: set[str], steps: list[tuple[Bump, bool, bool]]
) -> None:
    shop = Shop(Registry({APP: held}))
    last = version.survey(held).highest
    for bump, pushed, swept in steps:
        following = version.parse(shop.reserve(bump))
        assert last is None or following > last
        last = following
        if pushed:
            held.add(str(following))
        if swept:
            held.clear()


@given(st.sets(tags), st.lists(st.tuples(small, small), max_size=6))
def test_series_and_other_versions_do_not_interfere(held: set[str], series: list[tuple[int, int]]) -> None:
    shop = Shop(Registry({APP: held}))
    taken: set[str] = set()
    for major, minor in series:
        reserved = shop.reserve(series=f"v{major}.{minor}")
        assert reserved not in held | taken
        taken.add(reserved)
    ceiling = version.survey([*held, *taken]).highest
    following = version.parse(shop.reserve())
    assert ceiling is None or following > ceiling
