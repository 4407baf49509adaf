"""The ledger's table on moto, and the table in memory that most tests use, must behave the same."""

from __future__ import annotations

import os
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from longshore.aws.dynamodb import Table
from longshore.errors import AwsError
from longshore.ledger.parts import PartedTable
from longshore.ledger.table import Table as Either
from tests.fakes.memory_table import MemoryTable


@pytest.fixture(params=["moto", "memory"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Either]:
    if request.param == "memory":
        yield MemoryTable()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setitem(os.environ, name, "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        client.create_table(
            TableName="shop-releases",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        yield Table(client, "shop-releases")


def test_values_are_read_as_they_were_written(table: Either) -> None:
    item = {"text": "a", "number": 3, "part": 1.5, "none": None, "list": [1, {"deep": True}], "empty": ""}
    assert table.put("a", "1", item)
    assert table.get("a", "1") == item
    assert table.get("a", "2") is None


def test_a_new_item_does_not_replace_an_existing_one(table: Either) -> None:
    assert table.put("a", "1", {"n": 1}, new=True)
    assert not table.put("a", "1", {"n": 2}, new=True)
    assert table.get("a", "1") == {"n": 1}


def test_a_condition_is_checked_against_the_existing_item(table: Either) -> None:
    assert not table.put("a", "1", {"owner": "one"}, when={"owner": ""}), "there is nothing yet"
    table.put("a", "1", {"owner": "", "fence": 7})
    assert not table.put("a", "1", {"owner": "one", "fence": 8}, when={"owner": "", "fence": 8})
    assert table.put("a", "1", {"owner": "one", "fence": 8}, when={"owner": "", "fence": 7})
    assert table.get("a", "1") == {"owner": "one", "fence": 8}


def test_a_query_has_an_order_pages_and_a_prefix(table: Either) -> None:
    for number in range(25):
        table.put("a", f"{number:04d}", {"n": number})
    table.put("b", "0000", {"n": 99})
    assert [item["n"] for item in table.query("a", page=10)] == list(range(24, -1, -1))
    assert [item["n"] for item in table.query("a", page=10, newest_first=False)] == list(range(25))
    assert [item["n"] for item in table.query("a", "002")] == [24, 23, 22, 21, 20]
    assert list(table.query("c")) == []


def test_a_query_sends_only_the_attributes_that_are_asked_for(table: Either) -> None:
    """Some of their names are reserved words of DynamoDB's expressions."""
    table.put("a", "1", {"sequence": 1, "started": "now", "size": 3})
    table.put("a", "2", {"sequence": 2})
    assert list(table.query("a", only=("sequence", "size", "missing"))) == [{"sequence": 2}, {"sequence": 1, "size": 3}]
    assert list(table.query("a", "1", only=("started",))) == [{"started": "now"}]


def test_an_item_above_the_limit_is_refused(table: Either) -> None:
    with pytest.raises(AwsError) as error:
        table.put("a", "1", {"text": "ü" * 205_000})
    assert error.value.code == "ValidationException"
    assert table.get("a", "1") is None


def test_an_item_in_parts_is_read_back_whole(table: Either) -> None:
    item = {"fence": 7, "changes": ["ü" * 1_000] * 300}
    parted = PartedTable(table)
    assert parted.put("a", "1", item)
    assert not parted.put("a", "1", item | {"fence": 8}, when={"fence": 8})
    read = parted.get("a", "1")
    assert read is not None
    assert {name: read[name] for name in item} == item
    assert [found["fence"] for found in parted.query("a", only=("fence",))] == [7]
    assert [len(found["changes"]) for found in parted.query("a", only=("changes",))] == [300]
