"""Security groups of EC2: moto loses the description of a rule for a group, and every plan would change it."""

from __future__ import annotations

from moto.ec2.models import security_groups


class Rule(security_groups.SecurityGroupRule):
    """A rule of a security group, with the description of either form."""

    @property
    def description(self) -> str | None:
        """The description of the rule."""
        return self.ip_range.get("Description") or self.source_group.get("Description")


def install() -> None:
    """Replace the rules of moto's security groups, in this process."""
    security_groups.SecurityGroupRule = Rule  # type: ignore[misc]
