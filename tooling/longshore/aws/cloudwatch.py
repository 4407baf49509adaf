"""CloudWatch: the states of alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longshore.aws.batches import batches
from longshore.aws.translate import pages

ALARMS_A_CALL = 100
"""The limit of DescribeAlarms, for names and for results.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

_TYPES = ("MetricAlarm", "CompositeAlarm", "LogAlarm")
"""All types of alarms; without this argument, DescribeAlarms returns metric alarms only (the page above)."""


class Alarms:
    """Reads the states of alarms."""

    def __init__(self, client: Any) -> None:
        self._client = client  # mypy-boto3-cloudwatch is not among the pinned packages

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        """Those of the named alarms that are in the state ALARM, sorted; an alarm that does not exist is in none."""
        states: dict[str, str] = {}
        for batch in batches(names, ALARMS_A_CALL):
            for page in pages(self._client, "describe_alarms", AlarmNames=batch, AlarmTypes=list(_TYPES)):
                for alarm in (a for kind in _TYPES for a in page.get(f"{kind}s", [])):
                    states[alarm["AlarmName"]] = alarm["StateValue"]
        return sorted(name for name, state in states.items() if state == "ALARM")
