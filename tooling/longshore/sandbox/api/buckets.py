"""S3's buckets: moto reads a policy's conditions not at all, so that "deny without TLS" would deny everything."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3 import models

_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


class Bucket(models.FakeBucket):
    """A bucket on loopback, where plain HTTP stands for TLS: statements against plain HTTP deny nothing."""

    def get_permission(self, action: str, resource: str) -> Any:
        """What the rest of the policy says of an action."""
        statements = [] if self.policy is None else json.loads(self.policy)["Statement"]
        kept = [statement for statement in statements if statement.get("Condition") != _WITHOUT_TLS]
        if not kept:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps({"Statement": kept})).is_action_permitted(action, resource)


def install() -> None:
    """Makes moto's buckets ours, in this process."""
    models.FakeBucket = Bucket  # type: ignore[misc]
