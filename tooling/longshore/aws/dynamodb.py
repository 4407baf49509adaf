"""DynamoDB: the ledger's table, in plain Python values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from longshore.aws.translate import call, translated
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]


class Table:
    """A table with hash key ``pk`` and range key ``sk``, both strings. Values are those of JSON."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """The item, by a consistent read; None if there is none."""
        answer = call(self._client.get_item, TableName=self.name, Key=_key(pk, sk), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def put(
        self,
        pk: str,
        sk: str,
        item: Mapping[str, Any],
        *,
        new: bool = False,
        when: Mapping[str, str | int] | None = None,
    ) -> bool:
        """Writes a whole item.

        Args:
            pk: hash key.
            sk: range key.
            item: the other attributes.
            new: write only if there is no such item.
            when: write only if the existing item has these attributes.

        Returns:
            False if the condition does not hold; nothing was written.
        """
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"} if new else {}
        if when:
            condition = {
                "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in when),
                "ExpressionAttributeNames": {f"#{name}": name for name in when},
                "ExpressionAttributeValues": {f":{name}": value for name, value in _attributes(when).items()},
            }
        document = _attributes({**item, "pk": pk, "sk": sk})
        return self._conditional(self._client.put_item, TableName=self.name, Item=document, **condition)

    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True, only: Collection[str] = ()
    ) -> Iterator[Item]:
        """The items of a hash key in the order of their range keys; pages are read as they are needed.

        Args:
            pk: hash key.
            prefix: prefix of the range keys.
            page: the number of items in a page.
            newest_first: whether to start at the highest range key.
            only: the names of the attributes to transfer; all if empty. DynamoDB reads, and charges for, whole items.
        """
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :prefix)", values | {":prefix": {"S": prefix}}
        projection = _projection(only)
        start: dict[str, Any] = {}
        while True:
            answer = call(
                self._client.query,
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=not newest_first,
                ConsistentRead=True,
                Limit=page,
                **projection,
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


def _projection(names: Collection[str]) -> dict[str, Any]:
    """The parameters that limit the attributes of an answer; by placeholders, because a name may be a reserved word."""
    if not names:
        return {}
    placeholders = {f"#only{number}": name for number, name in enumerate(names)}
    return {"ProjectionExpression": ", ".join(placeholders), "ExpressionAttributeNames": placeholders}


def _attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    serializer = TypeSerializer()
    # DynamoDB's numbers are decimals: the serializer refuses a float.
    exact = json.loads(json.dumps(item), parse_float=Decimal)
    return {key: serializer.serialize(value) for key, value in exact.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    deserializer = TypeDeserializer()
    with translated("DynamoDB"):  # text as a number, or a type that boto3 does not know
        return {key: _number(deserializer.deserialize(value)) for key, value in item.items() if key not in ("pk", "sk")}


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _number(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_number(inner) for inner in value]
    return value
