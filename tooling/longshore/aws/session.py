"""The AWS services of one environment; each client is created when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from longshore.aws.autoscaling import Scaling
from longshore.aws.cloudwatch import Alarms
from longshore.aws.codebuild import CodeBuild
from longshore.aws.connection import connect, credential_errors
from longshore.aws.dynamodb import Table
from longshore.aws.ecr import Ecr
from longshore.aws.ecs import Ecs
from longshore.aws.elbv2 import TargetGroups
from longshore.aws.eventbridge import Events
from longshore.aws.logs import Logs
from longshore.aws.rates import Budget
from longshore.aws.s3 import Buckets
from longshore.aws.ssm import Parameters
from longshore.aws.sts import Identity
from longshore.aws.translate import translated
from longshore.clock import Clock
from longshore.proxies import is_local

if TYPE_CHECKING:
    from longshore.environment.access import Access

_NO_FOREIGN_ENDPOINT: dict[str, Any] = {
    "ignore_configured_endpoint_urls": True,  # of the profile; those of the shell are left out
    "account_id_endpoint_mode": "disabled",
}
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 8}, connect_timeout=5, read_timeout=30, **_NO_FOREIGN_ENDPOINT
)
_DIRECT = Config(proxies={})


class Aws:
    """The AWS services that a release uses."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self._environ = access.process_environment()
        with translated("AWS session"):
            self._session = connect(self._environ, access.region, _CONFIG)

    def _client(self, service: Any) -> Any:
        endpoint = self._access.endpoint_url
        with translated(f"AWS client of {service}"):
            with credential_errors(self._environ):
                self._session.get_credentials()
            direct = _DIRECT if endpoint and is_local(endpoint) else None
            return self._session.client(service, endpoint_url=endpoint, config=direct)

    @cached_property
    def ecr(self) -> Ecr:
        """ECR."""
        return Ecr(self._client("ecr"))

    @cached_property
    def ecs(self) -> Ecs:
        """ECS, whose reads share one budget."""
        client = self._client("ecs")
        Budget(self._clock).attach(client)
        return Ecs(client)

    @cached_property
    def scaling(self) -> Scaling:
        """Application Auto Scaling."""
        return Scaling(self._client("application-autoscaling"))

    @cached_property
    def codebuild(self) -> CodeBuild:
        """CodeBuild."""
        return CodeBuild(self._client("codebuild"))

    @cached_property
    def alarms(self) -> Alarms:
        """CloudWatch alarms."""
        return Alarms(self._client("cloudwatch"))

    @cached_property
    def target_groups(self) -> TargetGroups:
        """Target groups of Elastic Load Balancing, and their targets."""
        return TargetGroups(self._client("elbv2"))

    @cached_property
    def logs(self) -> Logs:
        """CloudWatch Logs."""
        return Logs(self._client("logs"))

    @cached_property
    def events(self) -> Events:
        """EventBridge."""
        return Events(self._client("events"))

    @cached_property
    def parameters(self) -> Parameters:
        """SSM parameters."""
        return Parameters(self._client("ssm"))

    @cached_property
    def identity(self) -> Identity:
        """STS."""
        return Identity(self._client("sts"))

    @cached_property
    def buckets(self) -> Buckets:
        """S3 buckets."""
        return Buckets(self._client("s3"))

    def table(self, name: str) -> Table:
        """A DynamoDB table."""
        return Table(self._client("dynamodb"), name)
