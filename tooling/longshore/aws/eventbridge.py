"""EventBridge: the rules and targets of scheduled tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from longshore.aws.translate import call, pages
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class Events:
    """Reads and changes rules and their targets."""

    def __init__(self, client: EventBridgeClient) -> None:
        self._client = client

    def task_definition(self, rule: str, target_id: str) -> str:
        """The ARN of the revision that a target starts.

        Raises:
            AwsError: there is no such rule, or it has no such target.
        """
        return str(self._target(rule, target_id)["EcsParameters"]["TaskDefinitionArn"])

    def move(self, rule: str, target_id: str, task_definition: str) -> None:
        """Points a target at another revision; its other settings stay.

        Raises:
            AwsError: there is no such target, or EventBridge refused it; PutTargets can answer 200 with failures.
        """
        target = self._target(rule, target_id)
        target["EcsParameters"] = {**target["EcsParameters"], "TaskDefinitionArn": task_definition}
        answer = call(self._client.put_targets, Rule=rule, Targets=[target])
        if answer.get("FailedEntryCount"):
            reasons = "; ".join(f"{e.get('ErrorCode')}: {e.get('ErrorMessage')}" for e in answer["FailedEntries"])
            raise AwsError(f"EventBridge PutTargets failed for target {target_id} of rule {rule}: {reasons}")

    def is_on(self, rule: str) -> bool:
        """Whether a rule is enabled.

        Raises:
            AwsError: there is no such rule.
        """
        return call(self._client.describe_rule, Name=rule).get("State") != "DISABLED"

    def switch(self, rule: str, *, on: bool) -> None:
        """Enables or disables a rule; repeating it does no harm.

        Raises:
            AwsError: there is no such rule, or AWS did not answer.
        """
        call(self._client.enable_rule if on else self._client.disable_rule, Name=rule)

    def _target(self, rule: str, target_id: str) -> Any:
        listed = pages(self._client, "list_targets_by_rule", Rule=rule)
        targets = [target for page in listed for target in page["Targets"]]
        target = next((target for target in targets if target["Id"] == target_id), None)
        if target is None or "EcsParameters" not in target:
            raise AwsError(f"rule {rule} has no target {target_id} that starts a task", "Run: invoke bootstrap")
        return dict(target)
