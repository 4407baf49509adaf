"""Clients that reach no AWS."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import Stubber

REGION = "eu-central-1"


def client(service: str, **arguments: Any) -> Any:
    """A client with credentials of its own, that asks once."""
    make: Any = boto3.client  # its overloads want the service's name as a literal
    settings = {
        "region_name": REGION,
        "aws_access_key_id": "AKIATESTTESTTESTTEST",
        "aws_secret_access_key": "secret",
        "config": Config(retries={"total_max_attempts": 1}),
    }
    return make(service, **settings | arguments)


def scripted(service: str) -> tuple[Any, Stubber]:
    """A client that takes exactly the calls of its script, and checks them against AWS's model."""
    made = client(service)
    stubber = Stubber(made)
    stubber.activate()
    return made, stubber
