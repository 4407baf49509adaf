"""CodeBuild's answers: moto's, with builds that run, webhooks, and projects as Terraform wants to read them back."""

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
"""Ids on a page of ListBuilds and ListBuildsForProject, and the most that BatchGetBuilds takes."""


class CodeBuildError(ServiceException):
    """An error in CodeBuild's form. A class of its own: of one in moto.core, moto looks for a service `core`."""


def install(builds: Builds) -> None:
    """Put our answers in place of moto's; before moto's server makes its first CodeBuild application."""
    CodeBuildResponse.builds = builds
    moto.codebuild.urls.url_paths["{0}/$"] = CodeBuildResponse.dispatch


class CodeBuildResponse(MotoResponse):
    """The operations that moto answers otherwise than AWS, or not at all."""

    builds: Builds

    def create_project(self) -> ActionResult:
        """CreateProject: a repository that stands for the source is made."""
        given, name = self._given(), self._get_param("name")
        if name in self.codebuild_backend.codebuild_projects:
            raise CodeBuildError("ResourceAlreadyExistsException", f"Project already exists: {self._arn(name)}")
        key = f"arn:aws:kms:{self.region}:{self.current_account}:alias/aws/s3"
        project = _valid(projects.create, given, self._arn(name), key)
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
        return self._keep(project)

    def update_project(self) -> ActionResult:
        """UpdateProject: what is given takes the place of what was."""
        return self._keep(_valid(projects.update, self._project(self._get_param("name")), self._given()))

    def delete_project(self) -> EmptyResult:
        """DeleteProject: with its builds, those that run included; no error where there is none."""
        name = self._get_param("name")
        self.codebuild_backend.delete_project(name)
        self.builds.forget(self._arn(name))
        return EmptyResult()

    def batch_get_projects(self) -> ActionResult:
        """BatchGetProjects: by name or ARN; those that do not exist are listed apart."""
        asked = self._get_param("names")
        known = {name: project.project_metadata for name, project in self.codebuild_backend.codebuild_projects.items()}
        names = {each: each.rpartition(":project/")[2] for each in asked}
        found = [_without_secret(known[name]) for name in names.values() if name in known]
        missing = [each for each, name in names.items() if name not in known]
        return ActionResult({"projects": found, "projectsNotFound": missing})

    def list_projects(self) -> ActionResult:
        """ListProjects, in pages."""
        return self._page("projects", sorted(self.codebuild_backend.codebuild_projects))

    def start_build(self) -> ActionResult:
        """StartBuild."""
        project = self._project(self._get_param("projectName"))
        try:
            build = self.builds.start(project, self._given(), self._caller())
        except InvalidError as error:
            raise CodeBuildError("InvalidInputException", str(error)) from error
        except LimitError as error:
            raise CodeBuildError("AccountLimitExceededException", str(error)) from error
        return ActionResult({"build": build})

    def stop_build(self) -> ActionResult:
        """StopBuild: it is told to end; one that has ended stays as it is."""
        build_id = self._get_param("id")
        if ":" not in build_id:
            raise CodeBuildError("InvalidInputException", "Invalid build ID provided")
        build = self.builds.stop(build_id.rpartition(":build/")[2])
        if build is None:
            raise CodeBuildError("ResourceNotFoundException", f"Build {build_id} does not exist")
        return ActionResult({"build": build})

    def batch_get_builds(self) -> ActionResult:
        """BatchGetBuilds: by id or ARN; those that do not exist are listed apart."""
        asked = self._get_param("ids")
        if len(asked) > PAGE or any(":" not in each for each in asked):
            raise CodeBuildError("InvalidInputException", "Invalid build ID provided")
        found = {each: self.builds.find(each) for each in asked}
        missing = [each for each, build in found.items() if build is None]
        return ActionResult({"builds": [build for build in found.values() if build], "buildsNotFound": missing})

    def list_builds_for_project(self) -> ActionResult:
        """ListBuildsForProject: the newest first, in pages."""
        arn = self._project(self._get_param("projectName"))["arn"]
        return self._page("ids", self.builds.ids_of(arn, ascending=self._ascending()))

    def list_builds(self) -> ActionResult:
        """ListBuilds: the newest first, in pages."""
        return self._page("ids", self.builds.ids_in(self.region, ascending=self._ascending()))

    def create_webhook(self) -> ActionResult:
        """CreateWebhook: a push to the repository that stands for the source calls it."""
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
        project["webhook"] = hook | self._hook_given()
        return ActionResult({"webhook": project["webhook"]})

    def update_webhook(self) -> ActionResult:
        """UpdateWebhook: its filters, and a new secret where asked for."""
        hook = self._webhook()
        changes = self._hook_given()
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

    def _given(self) -> dict[str, Any]:
        """The parameters, all of them."""
        given: dict[str, Any] = json.loads(self.body)
        return given

    def _arn(self, name: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.current_account}:project/{name}"

    def _project(self, name: str) -> dict[str, Any]:
        known = self.codebuild_backend.codebuild_projects
        name = name.rpartition(":project/")[2]
        if name not in known:
            raise CodeBuildError("ResourceNotFoundException", f"Project cannot be found: {self._arn(name)}")
        project: dict[str, Any] = known[name].project_metadata
        return project

    def _keep(self, project: dict[str, Any]) -> ActionResult:
        if name := repository_name(project["source"]):
            self.builds.repositories.make(name)
        kept = self.codebuild_backend.codebuild_projects[project["name"]]
        kept.project_metadata, kept.service_role, kept.tags = project, project["serviceRole"], project["tags"]
        return ActionResult({"project": _without_secret(project)})

    def _webhook(self) -> dict[str, Any]:
        hook: dict[str, Any] | None = self._project(self._get_param("projectName")).get("webhook")
        if hook is None:
            raise CodeBuildError("ResourceNotFoundException", "Webhook does not exist")
        return hook

    def _hook_given(self) -> dict[str, Any]:
        names = ("branchFilter", "filterGroups", "buildType", "scopeConfiguration", "pullRequestBuildPolicy")
        found = {name: self._get_param(name) for name in names if self._get_param(name)}
        if problem := webhooks.problem(found.get("filterGroups", [])):
            raise CodeBuildError("InvalidInputException", problem)
        return found

    def _caller(self) -> str:
        """Who asks, as CodeBuild names an initiator: a user by name, a role with its session."""
        sts = sts_backends[self.current_account]["aws"]
        _, arn, _ = sts.get_caller_identity(self.access_key, self.region)
        return str(arn).rpartition(":")[2].partition("/")[2]

    def _ascending(self) -> bool:
        return bool(self._get_param("sortOrder") == "ASCENDING")

    def _page(self, name: str, found: Sequence[str]) -> ActionResult:
        """A page of names; the token is the last one of the page before."""
        token = self._get_param("nextToken")
        if token and token not in found:
            raise CodeBuildError("InvalidInputException", "Invalid nextToken")
        start = found.index(token) + 1 if token else 0
        page = list(found[start : start + PAGE])
        return ActionResult({name: page} | ({"nextToken": page[-1]} if start + PAGE < len(found) else {}))


def _valid(check: Any, *arguments: Any) -> dict[str, Any]:
    try:
        project: dict[str, Any] = check(*arguments)
    except InvalidError as error:
        raise CodeBuildError("InvalidInputException", str(error)) from error
    return project


def _without_secret(project: dict[str, Any]) -> dict[str, Any]:
    """A project as it is shown: a webhook's secret is answered by CreateWebhook alone."""
    if "webhook" not in project:
        return project
    return {**project, "webhook": {name: value for name, value in project["webhook"].items() if name != "secret"}}
