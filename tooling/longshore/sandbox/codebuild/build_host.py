"""The host of all builds: their folders, and the variables that CodeBuild gives them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.sandbox.codebuild import build_image
from longshore.sandbox.codebuild.build_record import BuildRecord
from longshore.sandbox.codebuild.variables import inherited


@dataclass(frozen=True)
class BuildHost:
    """The host of a sandbox's builds.

    Attributes:
        directory: where the sandbox keeps its files.
        endpoint: URL of the AWS API.
        account_id: the account that the sandbox simulates.
        docker_host: the Docker engine's address in the form of DOCKER_HOST; empty for Docker's default.
    """

    directory: Path
    endpoint: str
    account_id: str
    docker_host: str = ""

    @property
    def builds(self) -> Path:
        """The folder that holds the folders of all builds."""
        return self.directory / "builds"

    def folder(self, record: BuildRecord) -> Path:
        """The folder of a build: letters and digits only, because many paths contain it."""
        return self.builds / record.id.rpartition(":")[2]

    def environment(self, record: BuildRecord, region: str, credentials: Mapping[str, str]) -> dict[str, str]:
        """The variables of a build, which its project may add to.

        Args:
            record: the build's document.
            region: the region where it runs.
            credentials: the credentials of its role, as variables.
        """
        folder = self.folder(record)
        home = folder / "home"
        home.mkdir(parents=True)
        programs = build_image.make(folder / "image")
        variables = {
            **inherited(),
            "PATH": build_image.path(programs, os.environ.get("PATH", os.defpath)),
            "HOME": str(home),
            "LONGSHORE_SANDBOX": str(self.directory),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **credentials,
        }
        if self.docker_host:
            variables["DOCKER_HOST"] = self.docker_host
        terraform = self.directory.parent / "terraform.rc"
        if terraform.exists():
            variables["TF_CLI_CONFIG_FILE"] = str(terraform)
        return variables | self._codebuild(record)

    def _codebuild(self, record: BuildRecord) -> dict[str, str]:
        """CodeBuild's own variables (AWS CodeBuild User Guide, "Environment variables in build environments")."""
        source: Mapping[str, Any] = record["source"]
        location = source.get("location", "")
        variables = {
            "BUILD_ARN": record["arn"],
            "BUILD_ID": record.id,
            "BUILD_IMAGE": record["environment"]["image"],
            "BUILD_NUMBER": str(record["buildNumber"]),
            "BUILD_SUCCEEDING": "1",
            "INITIATOR": record["initiator"],
            "KMS_KEY_ID": record["encryptionKey"],
            "LOG_PATH": record["logs"].get("streamName", ""),
            "SOURCE_REPO_URL": f"s3://{location}" if source["type"] == "S3" else location,
            "SOURCE_VERSION": record.get("sourceVersion", ""),
            "SRC_DIR": str(self.folder(record) / "src"),
            "START_TIME": str(int(record["startTime"].timestamp() * 1000)),
        }
        return {f"CODEBUILD_{name}": value for name, value in variables.items() if value}
