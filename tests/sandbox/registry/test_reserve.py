"""The next version with the sandbox's registry, which has ECR's pages and failures."""

from __future__ import annotations

from longshore.aws.ecr import Ecr
from longshore.images.version_counter import Claim, VersionCounter, VersionRequest
from longshore.ledger.issued_versions import Versions
from longshore.masking import Masks
from tests.fakes.memory_table import MemoryTable
from tests.sandbox.moto_api import Api, Repo


def test_the_registry_is_listed_once_and_never_again(api: Api, immutable: Repo) -> None:
    manifest = immutable.manifest("one")
    for number in range(60):
        immutable.client.put_image(
            repositoryName=immutable.name, imageManifest=manifest, imageTag=f"v1.{number // 50}.{number % 50}"
        )
    numbers = VersionCounter(Ecr(immutable.client), [immutable.name], Versions(MemoryTable(), Masks()))
    start = api.log.since(0)["next"]
    taken = [str(numbers.reserve(VersionRequest(), Claim(f"test-{number}", "ann"))) for number in range(3)]
    assert taken == ["v1.1.10", "v1.1.11", "v1.1.12"]
    operations = [call["operation"] for call in api.log.since(start)["requests"]]
    assert operations == ["ListImages", "BatchGetImage", "BatchGetImage"]
    immutable.put("foreign", "v1.2.0")
    assert str(numbers.peek(VersionRequest())) == "v1.2.1"


def test_each_tag_of_an_image_counts_and_an_untagged_image_does_not(mutable: Repo) -> None:
    ecr, numbers = (
        Ecr(mutable.client),
        VersionCounter(Ecr(mutable.client), [mutable.name], Versions(MemoryTable(), Masks())),
    )
    several = mutable.put("several", "v1.0.0")
    for tag in ("v1.2.0", "stable", "latest"):
        mutable.put("several", tag)
    mutable.put("never tagged")
    mutable.put("its tag has moved on", "candidate")
    mutable.put("another", "candidate")
    assert sorted(ecr.tags(mutable.name)) == ["candidate", "latest", "stable", "v1.0.0", "v1.2.0"]
    assert {ecr.digest(mutable.name, tag) for tag in ("v1.0.0", "v1.2.0", "stable", "latest")} == {several}
    assert ecr.existing_tags(mutable.name, ["v1.0.0", "v1.1.0", "v1.2.0"]) == {"v1.0.0", "v1.2.0"}
    assert str(numbers.peek(VersionRequest())) == str(numbers.peek(VersionRequest(recount=True))) == "v1.2.1"
    assert str(numbers.reserve(VersionRequest(), Claim("test-000001", "ann"))) == "v1.2.1"
    mutable.put("several", "v1.2.2")
    assert str(numbers.peek(VersionRequest())) == "v1.2.3"
