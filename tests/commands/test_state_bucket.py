"""A state bucket that exists keeps its settings; only a bucket that Longshore has made gets ours."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from longshore.aws.s3 import Buckets
from longshore.commands.state_bucket import prepare
from longshore.environment.environment import Environment
from longshore.errors import AwsError, ConfigError, DeclinedError, LongshoreError, NotReadyError
from longshore.signals import StoppedBySignal
from longshore.terminal.console import Console
from tests.fakes.clients import REGION, client
from tests.fakes.environments import SHOP, environment

BUCKET = "shop-123456789012-eu-central-1-tfstate"
THEIRS = {
    "Sid": "Auditors",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{BUCKET}/*",
}
KMS = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-central-1:123456789012:key/abc"}
KEY = {"ApplyServerSideEncryptionByDefault": KMS, "BucketKeyEnabled": True}


class Recorded:
    """A client of S3 that records its calls, and fails with these error codes."""

    def __init__(self, s3: Any, failures: dict[str, str] | None = None) -> None:
        self._s3, self._failures, self.calls = s3, failures or {}, list[str]()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._s3, name)

        def called(**given: Any) -> Any:
            self.calls.append(name)
            if name in self._failures:
                raise ClientError({"Error": {"Code": self._failures[name], "Message": "no"}}, name)
            return method(**given)

        return method if name == "meta" else called

    @property
    def writes(self) -> list[str]:
        return [name for name in self.calls if not name.startswith(("get_", "head_"))]


@pytest.fixture(scope="module")
def shared() -> Any:
    return client("s3")


@pytest.fixture
def s3(shared: Any) -> Iterator[Any]:
    with mock_aws():
        yield shared


def make(s3: Any, **settings: Any) -> None:
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [KEY]})
    policy = {"Version": "2012-10-17", "Statement": [THEIRS], **settings}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def state(s3: Any) -> dict[str, Any]:
    """Every setting of the bucket that Longshore may change."""
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    try:
        block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    except ClientError:
        block = None
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    versioning = s3.get_bucket_versioning(Bucket=BUCKET).get("Status")
    return {"rules": rules, "block": block, "statements": policy["Statement"], "versioning": versioning}


def at(folder: Path, s3: Any, answers: str | None = None, **backend: str) -> tuple[Environment, io.StringIO]:
    """An environment whose state is in the bucket, and what its console shows."""
    shown = io.StringIO()
    console = Console(io.StringIO(), shown, io.StringIO(answers or ""), interactive=answers is not None)
    settings = deepcopy(SHOP)
    settings["environments"]["test"]["backend"] = backend
    aws = SimpleNamespace(buckets=Buckets(s3))
    return environment(folder, settings=settings, console=console, aws=aws), shown


def test_a_missing_bucket_is_created_once_that_is_approved(s3: Any, tmp_path: Path) -> None:
    recorded = Recorded(s3)
    env, _ = at(tmp_path, recorded)
    with pytest.raises(DeclinedError):
        prepare(env, BUCKET, yes=False, secure=False)
    assert recorded.calls == ["head_bucket"]
    prepare(env, BUCKET, yes=True, secure=False)
    made = state(s3)
    assert made["versioning"] == "Enabled"
    assert set(made["block"].values()) == {True}
    assert made["rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = made["statements"]
    assert (statement["Sid"], statement["Resource"][0]) == ("DenyInsecureTransport", f"arn:aws:s3:::{BUCKET}")
    recorded.calls.clear()
    prepare(env, BUCKET, yes=True, secure=True)
    assert recorded.writes == []  # nothing differs


@pytest.mark.parametrize("yes", [True, False])
def test_a_bucket_that_exists_stays_as_it_is_and_the_differences_are_listed(
    s3: Any, tmp_path: Path, *, yes: bool
) -> None:
    make(s3)
    before, recorded = state(s3), Recorded(s3)
    env, shown = at(tmp_path, recorded)
    prepare(env, BUCKET, yes=yes, secure=False)
    assert (recorded.writes, state(s3)) == ([], before)
    for part in (
        "public access block: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets off → on",
        "versioning: never enabled → Enabled",
        "policy: requests without TLS are allowed → denied (adds the statement DenyInsecureTransport)",
        "invoke bootstrap --secure-state-bucket",
    ):
        assert part in shown.getvalue()
    assert "encryption" not in shown.getvalue()


@pytest.mark.parametrize("answers", [None, "n\n"])
def test_the_settings_are_not_changed_before_that_is_approved(s3: Any, tmp_path: Path, answers: str | None) -> None:
    make(s3)
    recorded = Recorded(s3)
    env, _ = at(tmp_path, recorded, answers)
    with pytest.raises(DeclinedError):
        prepare(env, BUCKET, yes=False, secure=True)
    assert recorded.writes == []


def test_if_asked_the_settings_are_changed_and_the_policy_is_merged(s3: Any, tmp_path: Path) -> None:
    make(s3)
    recorded = Recorded(s3)
    env, shown = at(tmp_path, recorded, "y\n")
    prepare(env, BUCKET, yes=False, secure=True)
    assert recorded.writes == ["put_bucket_versioning", "put_public_access_block", "put_bucket_policy"]
    after = state(s3)
    assert after["rules"] == [KEY]
    assert after["statements"][0] == THEIRS
    assert [statement["Sid"] for statement in after["statements"]] == ["Auditors", "DenyInsecureTransport"]
    assert "Change these settings" in shown.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        THEIRS | {"Sid": "DenyInsecureTransport"},
        [THEIRS | {"Sid": "DenyInsecureTransport"}, {"Effect": "Deny", **THEIRS}],
    ],
)
def test_a_statement_with_the_id_of_ours_stays(s3: Any, tmp_path: Path, statement: Any) -> None:
    make(s3, Statement=statement)
    env, _ = at(tmp_path, s3)
    prepare(env, BUCKET, yes=True, secure=True)
    theirs = statement if isinstance(statement, list) else [statement]
    *kept, added = state(s3)["statements"]
    assert (kept, added["Sid"]) == (theirs, "DenyInsecureTransport2")


def test_a_setting_that_cannot_be_read_is_named_and_never_changed(s3: Any, tmp_path: Path) -> None:
    make(s3)
    recorded = Recorded(s3, {"get_bucket_policy": "AccessDenied", "get_bucket_versioning": "AccessDenied"})
    env, shown = at(tmp_path, recorded)
    prepare(env, BUCKET, yes=True, secure=True)
    assert recorded.writes == ["put_public_access_block"]
    assert "policy: could not be read (AccessDenied)" in shown.getvalue()


@pytest.mark.parametrize(
    ("failures", "error", "message"),
    [
        ({"head_bucket": "403"}, ConfigError, "belongs to another account, or these credentials may not use it"),
        ({"create_bucket": "BucketAlreadyExists"}, ConfigError, "belongs to another account"),
        ({"create_bucket": "OperationAborted"}, NotReadyError, "S3 is still creating or deleting"),
    ],
)
def test_a_bucket_of_another_account_is_refused(
    s3: Any, tmp_path: Path, failures: dict[str, str], error: type[LongshoreError], message: str
) -> None:
    recorded = Recorded(s3, failures)
    env, _ = at(tmp_path, recorded)
    with pytest.raises(error, match=message):
        prepare(env, BUCKET, yes=True, secure=True)
    assert [name for name in recorded.writes if name != "create_bucket"] == []


def test_a_bucket_that_another_process_has_created_meanwhile_keeps_its_settings(s3: Any, tmp_path: Path) -> None:
    recorded = Recorded(s3, {"head_bucket": "404", "create_bucket": "BucketAlreadyOwnedByYou"})
    make(s3)
    env, shown = at(tmp_path, recorded)
    prepare(env, BUCKET, yes=True, secure=False)
    assert recorded.writes == ["create_bucket"]
    assert "another process has created" in shown.getvalue()


def test_in_us_east_1_a_bucket_that_was_there_already_keeps_its_settings() -> None:
    with mock_aws():
        s3 = client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
        recorded = Recorded(s3)
        buckets = Buckets(recorded)  # type: ignore[arg-type]
        assert buckets.create(BUCKET, "us-east-1")
        assert not buckets.secure_new(BUCKET, "us-east-1")
        assert recorded.writes == ["create_bucket"]


def test_in_us_east_1_a_new_bucket_is_secured_although_its_settings_may_not_be_read() -> None:
    with mock_aws():
        s3 = client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        reads = ("bucket_policy", "bucket_versioning", "bucket_encryption", "public_access_block")
        recorded = Recorded(s3, {f"get_{read}": "AccessDenied" for read in reads})
        assert Buckets(recorded).secure_new(BUCKET, "us-east-1")  # type: ignore[arg-type]
        assert sorted(recorded.writes) == sorted(f"put_{read}" for read in reads)
        assert state(s3)["versioning"] == "Enabled"


def test_of_a_new_bucket_only_what_differs_is_changed(s3: Any, tmp_path: Path) -> None:
    """An organisation may deny PutPublicAccessBlock: S3 has turned all four settings on already."""
    recorded = Recorded(s3, {"put_public_access_block": "AccessDenied"})
    blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    vars(recorded)["get_public_access_block"] = lambda **_: {"PublicAccessBlockConfiguration": blocked}
    env, _ = at(tmp_path, recorded)
    prepare(env, BUCKET, yes=True, secure=False)
    assert recorded.writes == ["create_bucket", "put_bucket_versioning", "put_bucket_encryption", "put_bucket_policy"]


@pytest.mark.parametrize("code", ["AccessDenied", "OperationAborted"])
@pytest.mark.parametrize("setting", ["put_public_access_block", "put_bucket_policy"])
def test_a_failure_after_the_creation_says_how_to_secure_the_bucket(
    s3: Any, tmp_path: Path, setting: str, code: str
) -> None:
    env, _ = at(tmp_path, Recorded(s3, {setting: code}))
    with pytest.raises(AwsError) as refused:
        prepare(env, BUCKET, yes=True, secure=False)
    assert refused.value.message.startswith(f"the state bucket {BUCKET} was created, but not secured: ")
    before = f"The role lacks a permission: AWS {setting}. Then run" if code == "AccessDenied" else "Run"
    assert refused.value.hint == f"{before}: invoke bootstrap --secure-state-bucket"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    env, _ = at(tmp_path, s3)
    prepare(env, BUCKET, yes=True, secure=True)
    assert Buckets(s3).differences(BUCKET) == []


@pytest.mark.parametrize("call", ["create_bucket", "put_bucket_versioning"])
def test_a_signal_during_the_creation_says_how_to_secure_the_bucket(s3: Any, tmp_path: Path, call: str) -> None:
    def stopped(**_: Any) -> None:
        raise StoppedBySignal(signal.SIGINT)

    recorded = Recorded(s3)
    setattr(recorded, call, stopped)
    env, _ = at(tmp_path, recorded)
    with pytest.raises(StoppedBySignal) as stop:
        prepare(env, BUCKET, yes=True, secure=False)
    assert f"the state bucket {BUCKET} may have been created, and not secured" in stop.value.message
    assert stop.value.hint.endswith("invoke bootstrap --secure-state-bucket")


def test_a_bucket_in_another_region_is_refused(s3: Any, tmp_path: Path) -> None:
    elsewhere = {"LocationConstraint": "eu-west-1"}
    client("s3", region_name="eu-west-1").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=elsewhere)
    recorded = Recorded(s3)
    env, _ = at(tmp_path, recorded)
    with pytest.raises(ConfigError, match="is in eu-west-1, not in eu-central-1"):
        prepare(env, BUCKET, yes=True, secure=True)
    assert recorded.writes == []


@pytest.mark.parametrize(("chosen", "owner"), [({}, "123456789012"), ({"bucket": "acme-state"}, None)])
def test_only_a_bucket_that_was_named_may_belong_to_another_account(
    tmp_path: Path, chosen: dict[str, str], owner: str | None
) -> None:
    asked: list[dict[str, str]] = []

    def head_bucket(**given: str) -> dict[str, str]:
        asked.append(given)
        return {"BucketRegion": "elsewhere"}

    env, _ = at(tmp_path, SimpleNamespace(head_bucket=head_bucket), **chosen)
    with pytest.raises(ConfigError):
        prepare(env, BUCKET, yes=True, secure=False)
    assert asked[0].get("ExpectedBucketOwner") == owner


def test_in_another_partition_the_policy_names_its_arns() -> None:
    with mock_aws():
        s3 = client("s3", region_name="cn-north-1")
        assert Buckets(s3).create(BUCKET, "cn-north-1")
        assert Buckets(s3).secure_new(BUCKET, "cn-north-1")
        (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
        assert statement["Resource"] == [f"arn:aws-cn:s3:::{BUCKET}", f"arn:aws-cn:s3:::{BUCKET}/*"]
