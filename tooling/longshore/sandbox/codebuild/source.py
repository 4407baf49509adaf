"""A build's source: a clone at one commit, an archive from S3, or nothing."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.s3.models import s3_backends

from longshore.sandbox.codebuild.repositories import GitError, Repositories, git, repository_name

_COMMIT = re.compile(r"[0-9a-f]{40}")


class SourceError(Exception):
    """DOWNLOAD_SOURCE fails with CLIENT_ERROR."""


class Sources:
    """The sources of builds.

    Args:
        repositories: the local repositories.
        account_id: the account that owns the buckets of archives.
    """

    def __init__(self, repositories: Repositories, account_id: str) -> None:
        self.repositories = repositories
        self._account_id = account_id

    def download(self, source: Mapping[str, Any], version: str, folder: Path) -> str:
        """Download a source into a folder that does not exist yet.

        Args:
            source: the project's source, with the overrides of the build.
            version: commit, branch, tag or ``pr/NUMBER``; for an archive, its version id; empty for the newest.
            folder: the destination.

        Returns:
            The full commit; empty for a source that is not a repository.

        Raises:
            SourceError: there is no such source, or no such version of it.
        """
        name = repository_name(source)
        if name is not None:
            return self._clone(self.repositories.make(name), version, folder, int(source.get("gitCloneDepth") or 0))
        folder.mkdir(parents=True)
        if source["type"] == "S3":
            self._unpack(str(source["location"]), version, folder)
        elif source["type"] != "NO_SOURCE":
            raise SourceError(f"source type {source['type']} is not supported by the sandbox")
        return ""

    def resolve(self, source: Mapping[str, Any], version: str) -> str:
        """The commit of a version; the version itself if the source is not a repository, or lacks the version."""
        name = repository_name(source)
        try:
            return version if name is None else resolve(self.repositories.make(name), version)
        except SourceError:
            return version

    def file(self, arn: str) -> bytes:
        """The content of ``arn:aws:s3:::BUCKET/KEY``.

        Raises:
            SourceError: there is no such object.
        """
        return self._object(arn.split(":::", 1)[-1], "")

    def _clone(self, repository: Path, version: str, folder: Path, depth: int) -> str:
        commit = resolve(repository, version)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # a URL, because git ignores the depth of a local path
        url, shallow = (repository.as_uri(), [f"--depth={depth}"]) if depth else (str(repository), [])
        try:
            if shallow:
                git(folder.parent, "init", "--quiet", str(folder))
                git(folder, "remote", "add", "origin", url)
                git(folder, "fetch", "--quiet", *shallow, "origin", commit)
            else:
                git(folder.parent, "clone", "--quiet", "--no-checkout", url, str(folder))
            git(folder, "checkout", "--quiet", "--detach", commit)
        except GitError as error:
            raise SourceError(f"{error} for primary source and source version {version or commit}") from error
        return commit

    def _unpack(self, location: str, version: str, folder: Path) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(self._object(location, version))) as archive:
                archive.extractall(folder)
        except zipfile.BadZipFile as error:
            raise SourceError(f"{location} is not a ZIP file") from error

    def _object(self, location: str, version: str) -> bytes:
        bucket, _, key = location.partition("/")
        backend = s3_backends[self._account_id]["aws"]
        record = backend.get_object(bucket, key, version or None) if bucket in backend.buckets else None
        if record is None:
            raise SourceError(f"NoSuchKey: The specified key does not exist for primary source {location}")
        content: bytes = record.value
        return content


def resolve(repository: Path, version: str) -> str:
    """The commit of a version; that of HEAD for an empty version.

    Raises:
        SourceError: there is no such commit.
    """
    numbered = re.fullmatch(r"pr/(\d+)", version)
    names = [f"refs/pull/{numbered[1]}/head"] if numbered else [f"refs/heads/{version}", f"refs/tags/{version}"]
    if _COMMIT.fullmatch(version) or not version:
        names = [version or "HEAD"]
    elif version.startswith("refs/"):
        names = [version]
    for name in [*names, *([version] if re.fullmatch(r"[0-9a-f]{7,39}", version) else [])]:
        try:
            return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
        except GitError:
            continue
    kind = "object" if _COMMIT.fullmatch(version) else "reference"
    raise SourceError(f"{kind} not found for primary source and source version {version or 'HEAD'}")
