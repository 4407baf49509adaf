"""S3 buckets: moto ignores the conditions of a policy, so "deny without TLS" would deny everything."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3 import models

_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


class Bucket(models.FakeBucket):
    """A bucket that ignores statements against plain HTTP, which replaces TLS on loopback."""

    def get_permission(self, action: str, resource: str) -> Any:
        """The permission that the rest of the policy gives for an action."""
        statements = [] if self.policy is None else json.loads(self.policy)["Statement"]
        statements = [statement for statement in statements if statement.get("Condition") != _WITHOUT_TLS]
        if not statements:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps({"Statement": statements})).is_action_permitted(action, resource)


def install() -> None:
    """Replace moto's buckets, in this process."""
    models.FakeBucket = Bucket  # type: ignore[misc]
