"""DynamoDB: the table of the ledger, in plain Python values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from longshore.aws.calls import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]


class Table:
    """A table with hash key ``pk`` and range key ``sk``, both texts. Values are what JSON knows."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """One item, read consistently, or None."""
        answer = call(self._client.get_item, TableName=self.name, Key=_key(pk, sk), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def put(self, pk: str, sk: str, item: Mapping[str, Any], *, new: bool = False) -> bool:
        """Writes an item whole.

        Args:
            pk: hash key.
            sk: range key.
            item: the other attributes.
            new: write only if there is no such item yet.

        Returns:
            False if ``new`` was asked for and the item exists; nothing was written then.
        """
        condition = {"ConditionExpression": "attribute_not_exists(pk)"} if new else {}
        document = _attributes({**item, "pk": pk, "sk": sk})
        return self._conditional(self._client.put_item, TableName=self.name, Item=document, **condition)

    def delete(self, pk: str, sk: str, *, attribute: str, equals: str) -> bool:
        """Deletes an item if one attribute has this value; False if it has not (nothing deleted)."""
        return self._conditional(
            self._client.delete_item,
            TableName=self.name,
            Key=_key(pk, sk),
            ConditionExpression="#name = :value",
            ExpressionAttributeNames={"#name": attribute},
            ExpressionAttributeValues={":value": {"S": equals}},
        )

    def newest_first(self, pk: str, page: int = 100) -> Iterator[Item]:
        """The items of a hash key from the highest range key down, read page by page as they are wanted."""
        start: dict[str, Any] = {}
        while True:
            answer = call(
                self._client.query,
                TableName=self.name,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=page,
                **start,
            )
            yield from (_plain(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _conditional(self, operation: Any, **arguments: Any) -> bool:
        try:
            call(operation, **arguments)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    serializer = TypeSerializer()
    # DynamoDB's numbers are decimals: a float would be refused by the serializer.
    exact = json.loads(json.dumps(item), parse_float=Decimal)
    return {key: serializer.serialize(value) for key, value in exact.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    deserializer = TypeDeserializer()
    return {key: _number(deserializer.deserialize(value)) for key, value in item.items() if key not in ("pk", "sk")}


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _number(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_number(inner) for inner in value]
    return value
