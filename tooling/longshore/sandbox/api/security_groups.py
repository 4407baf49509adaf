"""EC2's security groups: moto forgets the description of a rule that names a group; every plan would set it anew."""

from __future__ import annotations

from moto.ec2.models import security_groups


class Rule(security_groups.SecurityGroupRule):
    """A rule of a security group, with its description wherever it stands."""

    @property
    def description(self) -> str | None:
        """What was written about whom the rule lets through."""
        return self.ip_range.get("Description") or self.source_group.get("Description")


def install() -> None:
    """Makes the rules of moto's security groups ours, in this process."""
    security_groups.SecurityGroupRule = Rule  # type: ignore[misc]
