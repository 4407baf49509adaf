"""Clients that do not reach AWS, and calls that several tests make."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import Stubber

REGION = "eu-central-1"


def client(service: str, **arguments: Any) -> Any:
    """A client with fixed credentials that does not retry."""
    make: Any = boto3.client  # its overloads need a literal as the service's name
    settings = {
        "region_name": REGION,
        "aws_access_key_id": "AKIATESTTESTTESTTEST",
        "aws_secret_access_key": "secret",
        "config": Config(retries={"total_max_attempts": 1}),
    }
    return make(service, **settings | arguments)


def put_alarm(cloudwatch: Any, name: str) -> None:
    """Makes an alarm, whose state a test then sets."""
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="errors",
        Namespace="shop",
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )


def scripted(service: str) -> tuple[Any, Stubber]:
    """A client that accepts only the calls of its script, and checks them against AWS's model."""
    stubbed = client(service)
    stubber = Stubber(stubbed)
    stubber.activate()
    return stubbed, stubber
