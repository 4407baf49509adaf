"""CodeBuild's responses on top of moto's: real builds, webhooks, and projects that Terraform can read back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import moto.codebuild.urls
from moto.codebuild.responses import CodeBuildResponse as MotoResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.sts.models import sts_backends

from longshore.sandbox.codebuild import projects, webhooks
from longshore.sandbox.codebuild.builds import Builds, LimitError
from longshore.sandbox.codebuild.projects import InvalidError
from longshore.sandbox.codebuild.repositories import repository_name

PAGE = 100
"""The number of ids on a page, and the most that BatchGetBuilds accepts."""


class CodeBuildError(ServiceException):
    """An error in CodeBuild's format.

    Its class must be in this module: moto finds the service's model by the module of the class.
    """


def install(builds: Builds) -> None:
    """Replace moto's CodeBuild; call this before moto's server makes its first CodeBuild application."""
    CodeBuildResponse.builds = builds
    moto.codebuild.urls.url_paths["{0}/$"] = CodeBuildResponse.dispatch


class CodeBuildResponse(MotoResponse):
    """The operations that moto lacks, or answers differently from AWS."""

    builds: Builds

    def create_project(self) -> ActionResult:
        """CreateProject, which creates the local repository of the source too."""
        parameters, name = self._parameters(), self._get_param("name")
        if name in self.codebuild_backend.codebuild_projects:
            raise CodeBuildError("ResourceAlreadyExistsException", f"Project already exists: {self._arn(name)}")
        key = f"arn:aws:kms:{self.region}:{self.current_account}:alias/aws/s3"
        project = _valid(projects.create, parameters, self._arn(name), key)
        self.codebuild_backend.create_project(
            project_name=name,
            description=None,
            project_source=project["source"],
            artifacts=project["artifacts"],
            environment=project["environment"],
            service_role=project["serviceRole"],
            tags=project["tags"],
            cache=None,
            timeout=None,
            queued_timeout=None,
            source_version=None,
            logs_config=None,
            vpc_config=None,
        )
        return self._save(project)

    def update_project(self) -> ActionResult:
        """UpdateProject: replaces the given fields."""
        return self._save(_valid(projects.update, self._project(self._get_param("name")), self._parameters()))

    def delete_project(self) -> EmptyResult:
        """DeleteProject, with its builds, even running ones; succeeds if there is no such project."""
        name = self._get_param("name")
        self.codebuild_backend.delete_project(name)
        self.builds.forget(self._arn(name))
        return EmptyResult()

    def batch_get_projects(self) -> ActionResult:
        """BatchGetProjects, by name or ARN; missing ones are listed separately."""
        by_name = {
            name: project.project_metadata for name, project in self.codebuild_backend.codebuild_projects.items()
        }
        names = {reference: reference.rpartition(":project/")[2] for reference in self._get_param("names")}
        existing = [_without_secret(by_name[name]) for name in names.values() if name in by_name]
        missing = [reference for reference, name in names.items() if name not in by_name]
        return ActionResult({"projects": existing, "projectsNotFound": missing})

    def list_projects(self) -> ActionResult:
        """ListProjects, in pages."""
        return self._page("projects", sorted(self.codebuild_backend.codebuild_projects))

    def start_build(self) -> ActionResult:
        """StartBuild."""
        project = self._project(self._get_param("projectName"))
        try:
            build = self.builds.start(project, self._parameters(), self._caller())
        except InvalidError as error:
            raise CodeBuildError("InvalidInputException", str(error)) from error
        except LimitError as error:
            raise CodeBuildError("AccountLimitExceededException", str(error)) from error
        return ActionResult({"build": build})

    def stop_build(self) -> ActionResult:
        """StopBuild; has no effect on a build that has ended."""
        build_id = self._get_param("id")
        if ":" not in build_id:
            raise CodeBuildError("InvalidInputException", "Invalid build ID provided")
        build = self.builds.stop(build_id.rpartition(":build/")[2])
        if build is None:
            raise CodeBuildError("ResourceNotFoundException", f"Build {build_id} does not exist")
        return ActionResult({"build": build})

    def batch_get_builds(self) -> ActionResult:
        """BatchGetBuilds, by id or ARN; missing ones are listed separately."""
        ids = self._get_param("ids")
        if len(ids) > PAGE or any(":" not in build_id for build_id in ids):
            raise CodeBuildError("InvalidInputException", "Invalid build ID provided")
        builds = {build_id: self.builds.find(build_id) for build_id in ids}
        missing = [build_id for build_id, build in builds.items() if build is None]
        return ActionResult({"builds": [build for build in builds.values() if build], "buildsNotFound": missing})

    def list_builds_for_project(self) -> ActionResult:
        """ListBuildsForProject: the newest first, in pages."""
        arn = self._project(self._get_param("projectName"))["arn"]
        return self._page("ids", self.builds.ids_of(arn, ascending=self._ascending()))

    def list_builds(self) -> ActionResult:
        """ListBuilds: the newest first, in pages."""
        return self._page("ids", self.builds.ids_in(self.region, ascending=self._ascending()))

    def create_webhook(self) -> ActionResult:
        """CreateWebhook: pushes to the local repository of the source call it."""
        project = self._project(self._get_param("projectName"))
        if "webhook" in project:
            raise CodeBuildError("ResourceAlreadyExistsException", "Webhook already exists")
        source = project["source"]
        if source["type"] in ("NO_SOURCE", "S3", "CODECOMMIT", "CODEPIPELINE"):
            raise CodeBuildError("InvalidInputException", f"Source type {source['type']} has no webhooks")
        endpoint = f"https://codebuild.{self.region}.amazonaws.com/webhooks"
        hook = {
            "url": f"{source['location'].removesuffix('.git')}/hooks/{secrets.randbelow(10**9)}",
            "payloadUrl": f"{endpoint}?t={secrets.token_urlsafe(24)}&v=1",
            "secret": secrets.token_hex(20),
            "buildType": "BUILD",
            "manualCreation": bool(self._get_param("manualCreation")),
            "lastModifiedSecret": datetime.now(UTC),
            "status": "ACTIVE",
        }
        project["webhook"] = hook | self._hook_parameters()
        return ActionResult({"webhook": project["webhook"]})

    def update_webhook(self) -> ActionResult:
        """UpdateWebhook: replaces its filters, and its secret on request."""
        hook = self._webhook()
        changes = self._hook_parameters()
        for name in ("branchFilter", "filterGroups"):
            hook.pop(name, None)
        hook |= changes
        if self._get_param("rotateSecret"):
            hook |= {"secret": secrets.token_hex(20), "lastModifiedSecret": datetime.now(UTC)}
        return ActionResult({"webhook": hook})

    def delete_webhook(self) -> EmptyResult:
        """DeleteWebhook."""
        self._webhook()
        del self._project(self._get_param("projectName"))["webhook"]
        return EmptyResult()

    def _parameters(self) -> dict[str, Any]:
        """All parameters of the call."""
        parameters: dict[str, Any] = json.loads(self.body)
        return parameters

    def _arn(self, name: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.current_account}:project/{name}"

    def _project(self, name: str) -> dict[str, Any]:
        by_name = self.codebuild_backend.codebuild_projects
        name = name.rpartition(":project/")[2]
        if name not in by_name:
            raise CodeBuildError("ResourceNotFoundException", f"Project cannot be found: {self._arn(name)}")
        project: dict[str, Any] = by_name[name].project_metadata
        return project

    def _save(self, project: dict[str, Any]) -> ActionResult:
        if name := repository_name(project["source"]):
            self.builds.repositories.make(name)
        record = self.codebuild_backend.codebuild_projects[project["name"]]
        record.project_metadata, record.service_role, record.tags = project, project["serviceRole"], project["tags"]
        return ActionResult({"project": _without_secret(project)})

    def _webhook(self) -> dict[str, Any]:
        hook: dict[str, Any] | None = self._project(self._get_param("projectName")).get("webhook")
        if hook is None:
            raise CodeBuildError("ResourceNotFoundException", "Webhook does not exist")
        return hook

    def _hook_parameters(self) -> dict[str, Any]:
        names = ("branchFilter", "filterGroups", "buildType", "scopeConfiguration", "pullRequestBuildPolicy")
        parameters = {name: self._get_param(name) for name in names if self._get_param(name)}
        if problem := webhooks.problem(parameters.get("filterGroups", [])):
            raise CodeBuildError("InvalidInputException", problem)
        return parameters

    def _caller(self) -> str:
        """The caller, as CodeBuild names an initiator: a user by name, a role with its session."""
        sts = sts_backends[self.current_account]["aws"]
        _, arn, _ = sts.get_caller_identity(self.access_key, self.region)
        return str(arn).rpartition(":")[2].partition("/")[2]

    def _ascending(self) -> bool:
        return bool(self._get_param("sortOrder") == "ASCENDING")

    def _page(self, name: str, names: Sequence[str]) -> ActionResult:
        """A page of names; the token is the last name of the page before."""
        token = self._get_param("nextToken")
        if token and token not in names:
            raise CodeBuildError("InvalidInputException", "Invalid nextToken")
        start = names.index(token) + 1 if token else 0
        page = list(names[start : start + PAGE])
        return ActionResult({name: page} | ({"nextToken": page[-1]} if start + PAGE < len(names) else {}))


def _valid(check: Any, *arguments: Any) -> dict[str, Any]:
    try:
        project: dict[str, Any] = check(*arguments)
    except InvalidError as error:
        raise CodeBuildError("InvalidInputException", str(error)) from error
    return project


def _without_secret(project: dict[str, Any]) -> dict[str, Any]:
    """A project without the webhook's secret, which only CreateWebhook returns."""
    if "webhook" not in project:
        return project
    return {**project, "webhook": {name: value for name, value in project["webhook"].items() if name != "secret"}}
