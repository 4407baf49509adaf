"""The rules of a security group are returned as they were created."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.ec2.models import security_groups as models

from longshore.sandbox.api import security_groups
from tests.sandbox.moto_api import Api


@pytest.fixture
def ec2(api: Api) -> Iterator[Any]:
    before = models.SecurityGroupRule
    security_groups.install()
    yield api.client("ec2")
    models.SecurityGroupRule = before  # type: ignore[misc]


@pytest.mark.parametrize("whom", ["addresses", "a group", "nobody in words"])
def test_a_rule_keeps_its_description(ec2: Any, whom: str) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName=whom, Description="Tasks", VpcId=vpc)["GroupId"]
    source = {
        "addresses": {"IpRanges": [{"CidrIp": "10.0.0.0/24", "Description": "Visitors"}]},
        "a group": {"UserIdGroupPairs": [{"GroupId": group, "Description": "Visitors"}]},
        "nobody in words": {"UserIdGroupPairs": [{"GroupId": group}]},
    }[whom]
    port = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[port | source])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    (found,) = [rule for rule in rules if not rule["IsEgress"]]
    assert found.get("Description") == ("Visitors" if whom != "nobody in words" else None)
