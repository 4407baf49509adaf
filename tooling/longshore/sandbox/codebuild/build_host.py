"""Where builds happen, and the variables that every build has."""

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
    """What the builds of one sandbox have in common.

    Attributes:
        directory: where the sandbox keeps its files.
        endpoint: URL of its AWS API.
        account_id: the account that it plays.
        docker_host: where the Docker engine answers, as DOCKER_HOST says it; empty for docker's own default.
    """

    directory: Path
    endpoint: str
    account_id: str
    docker_host: str = ""

    @property
    def builds(self) -> Path:
        """The folder of all builds' folders."""
        return self.directory / "builds"

    def folder(self, record: BuildRecord) -> Path:
        """The folder of a build, of letters and digits only, for it becomes part of many paths."""
        return self.builds / record.id.rpartition(":")[2]

    def environment(self, record: BuildRecord, region: str, credentials: Mapping[str, str]) -> dict[str, str]:
        """The variables of a build before its project's.

        Args:
            record: the build.
            region: where it runs.
            credentials: of its role.
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
        """CodeBuild's own ("Environment variables in build environments", AWS CodeBuild User Guide)."""
        source: Mapping[str, Any] = record["source"]
        location = source.get("location", "")
        given = {
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
        return {f"CODEBUILD_{name}": value for name, value in given.items() if value}
