from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

import boto3
import pytest
from moto import mock_aws

from longshore.aws.dynamodb import Table
from longshore.errors import AwsError, LockedError
from longshore.ledger import Ledger
from longshore.result import Verdict
from tests.samples import ACTOR, result


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setitem(os.environ, name, "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        client.create_table(
            TableName="shop-releases",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        yield Table(client, "shop-releases")


def test_one_release_at_a_time(table: Table) -> None:
    ledger = Ledger(table, "test")
    with ledger.lock("one", ACTOR, "release of 0123"):
        with pytest.raises(LockedError) as caught, ledger.lock("two", ACTOR, "release of 4567"):
            pass
        assert "ann on laptop" in caught.value.message
        assert "release of 0123" in caught.value.message
    with ledger.lock("two", ACTOR, "release of 4567"):
        pass


def test_environments_do_not_lock_each_other(table: Table) -> None:
    with Ledger(table, "test").lock("one", ACTOR, "x"), Ledger(table, "other").lock("two", ACTOR, "x"):
        pass


def test_a_lock_that_is_ours_already_is_held(table: Table) -> None:
    """The answer to the first write was lost, and the client wrote again."""
    ledger = Ledger(table, "test")
    with ledger.lock("one", ACTOR, "x"), ledger.lock("one", ACTOR, "x"):
        pass


def test_the_lock_of_another_is_never_given_back(table: Table) -> None:
    ledger = Ledger(table, "test")
    with ledger.lock("one", ACTOR, "x"):
        item = table.get("lock#test", "lock")
        assert item is not None
        table.put("lock#test", "lock", item | {"owner": "two"})
    assert table.get("lock#test", "lock") is not None


def test_an_error_while_giving_back_does_not_hide_the_real_one(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> bool:
        raise AwsError("away")

    monkeypatch.setattr(table, "delete", refuse)
    with pytest.raises(ValueError, match="real"), Ledger(table, "test").lock("one", ACTOR, "x") as held:
        raise ValueError("real")
    assert held.warnings == ["the lock could not be given back: away"]


def test_a_lock_that_is_kept_says_why(table: Table) -> None:
    with Ledger(table, "test").lock("one", ACTOR, "release") as held:
        held.keep("left at once")
    with (
        pytest.raises(LockedError, match="release, left at once"),
        Ledger(table, "test").lock("two", ACTOR, "release"),
    ):
        pass


def test_releases_are_newest_first_and_page(table: Table) -> None:
    ledger = Ledger(table, "test")
    for number in range(1, 26):
        assert ledger.next_sequence() == number
        ledger.begin(result(sequence=number, release=f"test-{number:06d}", seconds=1.5))
    assert [r.sequence for r in ledger.releases(page=10)] == list(range(25, 0, -1))
    newest = next(ledger.releases())
    assert newest == result(sequence=25, release="test-000025", seconds=1.5)


def test_a_sequence_is_used_once(table: Table) -> None:
    ledger = Ledger(table, "test")
    ledger.begin(result())
    with pytest.raises(LockedError):
        ledger.begin(result())


def test_only_good_releases_are_ways_back(table: Table) -> None:
    ledger = Ledger(table, "test")
    for number, verdict in enumerate([Verdict.SUCCEEDED, Verdict.ROLLED_BACK, Verdict.SUCCEEDED, Verdict.FAILED], 1):
        ledger.begin(result(sequence=number, verdict=verdict))
    assert [r.sequence for r in islice(ledger.succeeded(), 9)] == [3, 1]


def test_a_build_is_remembered_by_commit_and_inputs(table: Table) -> None:
    ledger = Ledger(table, "test")
    ledger.remember_build("app", "c0ffee", "inputs", "sha256:1", "v1.0.0")
    assert ledger.built("app", "c0ffee", "inputs") == "sha256:1"
    assert ledger.built("app", "c0ffee", "other") is None
    assert Ledger(table, "production").built("app", "c0ffee", "inputs") == "sha256:1"
