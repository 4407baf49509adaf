"""Builds that run real commands: phases, statuses, variables, logs and stops."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

import longshore
from longshore.sandbox.processes import command_line
from tests.sandbox.build_world import World, commands, commit, context, git, phases

pytestmark = pytest.mark.scenario

ALL = ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"]
ALL += ["UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_build_passes_through_all_phases(world: World) -> None:
    build = world.build(commands(build=["echo hello"]))

    assert build["buildStatus"] == "SUCCEEDED"
    assert phases(build) == [*[(name, "SUCCEEDED") for name in ALL[:-1]], ("COMPLETED", "")]
    assert build["currentPhase"] == "COMPLETED"
    assert build["endTime"] >= build["startTime"]
    assert all(phase["durationInSeconds"] == 0 for phase in build["phases"][:-1])
    assert world.output(build) == ["hello"]
    assert not list((world.directory / "builds").iterdir())


def test_start_build_returns_the_build_before_it_runs(world: World) -> None:
    project = world.project(commands(build=["true"]))
    first = world.codebuild.start_build(projectName=project)["build"]
    second = world.run(project)

    assert first["arn"] == f"arn:aws:codebuild:eu-central-1:123456789012:build/{first['id']}"
    assert first["id"].startswith(f"{project}:")
    assert (first["buildStatus"], first["buildComplete"], first["currentPhase"]) == ("IN_PROGRESS", False, "QUEUED")
    assert (first["buildNumber"], second["buildNumber"]) == (1, 2)
    assert (second["timeoutInMinutes"], second["queuedTimeoutInMinutes"]) == (60, 480)
    assert second["serviceRole"] == world.role
    assert second["logs"]["groupName"] == f"/aws/codebuild/{project}"
    assert second["logs"]["streamName"] == second["id"].rpartition(":")[2]
    group = f"arn:aws:logs:eu-central-1:123456789012:log-group:/aws/codebuild/{project}"
    assert second["logs"]["cloudWatchLogsArn"] == f"{group}:log-stream:{second['logs']['streamName']}"


def test_all_commands_share_one_shell(world: World) -> None:
    spec = commands(
        install=['export COLOUR=red; PLAIN=blue; greet() { echo "hello $1"; }; mkdir inner; cd inner'],
        build=['greet "$COLOUR $PLAIN"', 'echo "${PWD##*/}"', "exit 0", 'greet "$COLOUR"; echo "${PWD##*/}"'],
    )

    assert world.output(world.build(spec)) == ["hello red blue", "inner", "hello red", "inner"]


@pytest.mark.parametrize("command", ["exit 3", "(exit 3)", "set -e; (exit 3); true"])
def test_a_failing_command_fails_the_build(world: World, command: str) -> None:
    build = world.build(commands(build=[command, "echo never"], post_build=["echo after $CODEBUILD_BUILD_SUCCEEDING"]))

    assert build["buildStatus"] == "FAILED"
    assert ("BUILD", "FAILED") in phases(build)
    assert ("POST_BUILD", "SUCCEEDED") in phases(build)
    message = f"Error while executing command: {command}. Reason: exit status 3"
    assert context(build, "BUILD") == ("COMMAND_EXECUTION_ERROR", message)
    assert world.output(build) == ["after 0"]


@pytest.mark.parametrize(
    ("phase", "on_failure", "then"),
    [
        ("install", "", "FINALIZING"),
        ("pre_build", "", "FINALIZING"),
        ("build", "", "POST_BUILD"),
        ("post_build", "", "UPLOAD_ARTIFACTS"),
        ("install", "CONTINUE", "PRE_BUILD"),
        ("pre_build", "CONTINUE", "BUILD"),
        ("build", "CONTINUE", "POST_BUILD"),
        ("build", "ABORT", "FINALIZING"),
        ("post_build", "ABORT", "FINALIZING"),
    ],
)
def test_a_failed_phase_leads_to_the_documented_phase(world: World, phase: str, on_failure: str, then: str) -> None:
    given: dict[str, Any] = {"commands": ["false"], "finally": ["echo finally"]}
    given |= {"on-failure": on_failure} if on_failure else {}
    build = world.build(json.dumps({"version": "0.2", "phases": {phase: given}}))

    names = [name for name, _ in phases(build)]
    assert names[names.index(phase.upper()) + 1] == then
    assert names[-2:] == ["FINALIZING", "COMPLETED"]
    assert build["buildStatus"] == "FAILED"
    assert world.output(build) == ["finally"]


def test_a_failure_in_finally_fails_the_phase(world: World) -> None:
    spec = {"version": "0.2", "phases": {"pre_build": {"commands": ["true"], "finally": ["false", "echo never"]}}}
    build = world.build(json.dumps(spec))

    assert (build["buildStatus"], world.output(build)) == ("FAILED", [])


def test_the_log_has_codebuilds_format(world: World) -> None:
    build = world.build(commands(build=["echo one; echo two >&2; printf three", "exit 4"]))

    lines = [line.split(" ", 3)[-1] if line.startswith("[Container] ") else line for line in world.lines(build)]
    start = lines.index("Entering phase BUILD")
    assert lines[start : start + 9] == [
        "Entering phase BUILD",
        "Running command echo one; echo two >&2; printf three",
        "one",
        "two",
        "three",
        "Running command exit 4",
        "Command did not exit successfully exit 4 exit status 4",
        "Phase complete: BUILD State: FAILED",
        "Phase context status code: COMMAND_EXECUTION_ERROR Message: "
        "Error while executing command: exit 4. Reason: exit status 4",
    ]


def test_log_lines_appear_while_the_build_runs(world: World, tmp_path: Any) -> None:
    gate = tmp_path / "gate"
    build = world.start(world.project(commands(build=["echo first", f"until [ -e {gate} ]; do sleep 0.02; done"])))
    world.wait(build, lambda current: current["currentPhase"] == "BUILD" and "first" in world.output(current))
    assert world.look(build)["buildStatus"] == "IN_PROGRESS"
    gate.touch()

    assert world.wait(build)["buildStatus"] == "SUCCEEDED"


def test_a_project_may_have_another_log_group_or_no_log(world: World) -> None:
    config = {"cloudWatchLogs": {"status": "ENABLED", "groupName": f"/builds/{uuid.uuid4()}", "streamName": "shop"}}
    elsewhere = world.run(world.project(commands(build=["echo here"]), logsConfig=config))
    without = {"cloudWatchLogs": {"status": "DISABLED"}}
    silent = world.run(world.project(commands(build=["echo here"]), logsConfig=without))

    assert elsewhere["logs"]["groupName"] == config["cloudWatchLogs"]["groupName"]
    assert elsewhere["logs"]["streamName"] == f"shop/{elsewhere['id'].rpartition(':')[2]}"
    assert world.output(elsewhere) == ["here"]
    assert silent["buildStatus"] == "SUCCEEDED"
    assert "groupName" not in silent["logs"]


def test_exported_variables_are_returned(world: World) -> None:
    spec = {
        "version": "0.2",
        "env": {"exported-variables": ["RELEASE", "CODE", "MISSING"]},
        "phases": {
            "build": {"commands": ["RELEASE=v1.2.3", "false"]},
            "post_build": {"commands": ["export CODE='a b'"]},
        },
    }

    build = world.build(json.dumps(spec))
    assert build["exportedEnvironmentVariables"] == [
        {"name": "RELEASE", "value": "v1.2.3"},
        {"name": "CODE", "value": "a b"},
    ]


def test_the_source_is_a_clean_clone_at_the_commit(world: World, tmp_path: Any) -> None:
    source = {"type": "GITHUB", "location": "https://github.com/acme/clone.git"}
    project = world.project(source=source)
    git(tmp_path, "init", "--quiet")
    spec = commands(
        build=[
            "git log --format=%s",
            "git status --porcelain",
            "cat page.txt; git symbolic-ref --quiet HEAD || echo detached",
        ]
    )
    first = commit(tmp_path, "First", buildspec_yml=spec, page_txt="one\n")
    second = commit(tmp_path, "Second", page_txt="two\n")
    git(tmp_path, "tag", "v1")
    git(tmp_path, "push", "--quiet", "--tags", str(world.directory / "repositories" / "clone.git"), "HEAD:main")

    old = world.run(project, sourceVersion=first)
    assert (old["sourceVersion"], old["resolvedSourceVersion"]) == (first, first)
    assert world.output(old) == ["First", "one", "detached"]
    newest = world.run(project)
    assert newest["resolvedSourceVersion"] == second
    assert "sourceVersion" not in newest
    assert world.output(newest) == ["Second", "First", "two", "detached"]
    for version in ("main", "refs/heads/main", "v1", second[:10]):
        assert world.run(project, sourceVersion=version)["resolvedSourceVersion"] == second


@pytest.mark.parametrize(("version", "kind"), [("0" * 39 + "1", "object"), ("nowhere", "reference"), ("", "reference")])
def test_a_missing_version_fails_the_build(world: World, version: str, kind: str) -> None:
    source = {"type": "GITHUB", "location": f"https://github.com/acme/empty-{kind}"}
    build = world.run(world.project(source=source), **({"sourceVersion": version} if version else {}))

    assert build["buildStatus"] == "FAILED"
    assert context(build, "DOWNLOAD_SOURCE") == (
        "CLIENT_ERROR",
        f"{kind} not found for primary source and source version {version or 'HEAD'}",
    )
    assert [name for name, _ in phases(build)][-3:] == ["DOWNLOAD_SOURCE", "FINALIZING", "COMPLETED"]


def test_the_clone_is_shallow_if_the_project_has_a_depth(world: World, tmp_path: Any) -> None:
    source = {"type": "BITBUCKET", "location": "https://bitbucket.org/acme/shallow", "gitCloneDepth": 1}
    project = world.project(source=source)
    git(tmp_path, "init", "--quiet")
    first = commit(tmp_path, "First", buildspec_yml=commands(build=["git log --format=%s"]))
    commit(tmp_path, "Second")
    git(tmp_path, "push", "--quiet", str(world.directory / "repositories" / "shallow.git"), "HEAD:main")

    assert world.output(world.run(project)) == ["Second"]
    assert world.output(world.run(project, sourceVersion=first)) == ["First"]


def test_the_source_may_be_an_archive_in_s3(world: World) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("other.yml", commands(build=["cat page.txt", "echo $CODEBUILD_SOURCE_REPO_URL"]))
        content.writestr("page.txt", "from S3\n")
    bucket = f"sources-{uuid.uuid4()}"
    client = world.client("s3")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.put_object(Bucket=bucket, Key="shop.zip", Body=archive.getvalue())
    project = world.project(source={"type": "S3", "location": f"{bucket}/shop.zip", "buildspec": "other.yml"})

    assert world.output(world.run(project)) == ["from S3", f"s3://{bucket}/shop.zip"]
    missing = world.run(project, sourceLocationOverride=f"{bucket}/nothing.zip")
    assert context(missing, "DOWNLOAD_SOURCE")[0] == "CLIENT_ERROR"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n", "Commands[0] to be of string type"),
        ("version: 0.2\nphases: [\n", "yaml: line 3: "),
        ("version: 0.1\nphases:\n  build:\n    commands: [ls]\n", "Invalid buildspec version 0.1"),
        ("version: 0.2\nenv: {}\n", "Expected phases to be a mapping"),
        ("version: 0.2\nphases:\n  deploy: {}\n", "Unknown phase deploy"),
        ("version: 0.2\nrun-as: me\nphases: {}\n", "run-as"),
        ("version: 0.2\nphases:\n  build:\n    on-failure: RETRY\n", "on-failure: RETRY is not supported"),
    ],
)
def test_an_invalid_buildspec_fails_the_build(world: World, spec: str, words: str) -> None:
    build = world.build(spec)

    code, message = context(build, "DOWNLOAD_SOURCE")
    assert (build["buildStatus"], code) == ("FAILED", "YAML_FILE_ERROR")
    assert words in message


def test_a_missing_buildspec_fails_and_an_overridden_one_is_used(world: World) -> None:
    project = world.project(commands(build=["echo project"]))

    assert world.output(world.run(project, buildspecOverride=commands(build=["echo override"]))) == ["override"]
    code, message = context(world.run(project, buildspecOverride="no.yml"), "DOWNLOAD_SOURCE")
    assert code == "YAML_FILE_ERROR"
    assert message.endswith("/src/no.yml: no such file or directory")


def test_variables_have_their_documented_precedence(world: World) -> None:
    spec = {
        "version": "0.2",
        "env": {"variables": {"A": "spec", "B": "spec", "C": "spec", "N": 1.10, "CODEBUILD_BUILD_ID": "mine"}},
        "phases": {"build": {"commands": ['echo "$A $B $C $N"', '[ "$CODEBUILD_BUILD_ID" != mine ]']}},
    }
    given = [{"name": "B", "value": "project"}, {"name": "C", "value": "project"}]
    project = world.project(json.dumps(spec), environment={"environmentVariables": given})
    build = world.run(project, environmentVariablesOverride=[{"name": "C", "value": "start"}])

    assert build["buildStatus"] == "SUCCEEDED"
    assert world.output(build) == ["spec project start 1.1"]
    assert build["environment"]["environmentVariables"] == [
        {"name": "B", "value": "project", "type": "PLAINTEXT"},
        {"name": "C", "value": "start", "type": "PLAINTEXT"},
    ]


def test_values_of_parameter_store_and_secrets_manager_are_masked(world: World) -> None:
    name = uuid.uuid4().hex
    ssm, vault = world.client("ssm"), world.client("secretsmanager")
    ssm.put_parameter(Name=f"/shop/{name}", Value="parameter-value", Type="SecureString")
    arn = vault.create_secret(Name=name, SecretString=json.dumps({"user": "admin", "password": "pa$$ word"}))["ARN"]
    vault.put_secret_value(SecretId=name, SecretString=json.dumps({"user": "admin", "password": "newer one"}))
    spec = {
        "version": "0.2",
        "env": {
            "parameter-store": {"P": f"/shop/{name}"},
            "secrets-manager": {"OLD": f"{name}:password:AWSPREVIOUS", "NEW": f"{arn}:password"},
        },
        "phases": {"build": {"commands": ['echo $P $OLD; echo "<$NEW>"', 'echo "${#P} ${#OLD} ${#NEW} ${#WHOLE}"']}},
    }
    whole = {"name": "WHOLE", "value": name, "type": "SECRETS_MANAGER"}
    build = world.run(world.project(json.dumps(spec)), environmentVariablesOverride=[whole])

    length = len(json.dumps({"user": "admin", "password": "newer one"}))
    assert world.output(build) == ["*** ***", "<***>", f"15 9 9 {length}"]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("PARAMETER_STORE", "Decrypted Variables Error", "parameter does not exist: /no"),
        ("SECRETS_MANAGER", "Secrets Manager Error", "ResourceNotFoundException"),
    ],
)
def test_a_missing_parameter_or_secret_fails_the_build(world: World, kind: str, code: str, words: str) -> None:
    missing = [{"name": "X", "value": "/no", "type": kind}]
    build = world.run(world.project(commands(build=["true"])), environmentVariablesOverride=missing)

    found, message = context(build, "DOWNLOAD_SOURCE")
    assert (build["buildStatus"], found) == ("FAILED", code)
    assert words in message


def test_a_build_has_codebuilds_variables(world: World, tmp_path: Any) -> None:
    source = {"type": "GITHUB", "location": "https://github.com/acme/known"}
    project = world.project(source=source)
    git(tmp_path, "init", "--quiet")
    head = commit(tmp_path, buildspec_yml=commands(build=["env -0 | tr '\\n\\0' ' \\n'", "pwd -P"]))
    git(tmp_path, "push", "--quiet", str(world.directory / "repositories" / "known.git"), "HEAD:main")
    before = int(time.time() * 1000)
    build = world.run(project, sourceVersion="main")

    *lines, here = world.output(build)
    variables = dict(line.partition("=")[::2] for line in lines)
    own = {name.removeprefix("CODEBUILD_"): value for name, value in variables.items() if name.startswith("CODEBUILD_")}
    assert before - 1000 < int(own.pop("START_TIME")) < int(time.time() * 1000)
    assert os.path.realpath(own.pop("SRC_DIR")) == here
    assert own == {
        "BUILD_ARN": build["arn"],
        "BUILD_ID": build["id"],
        "BUILD_IMAGE": "aws/codebuild/standard:7.0",
        "BUILD_NUMBER": "1",
        "BUILD_SUCCEEDING": "1",
        "INITIATOR": build["initiator"],
        "KMS_KEY_ID": "arn:aws:kms:eu-central-1:123456789012:alias/aws/s3",
        "LOG_PATH": build["logs"]["streamName"],
        "RESOLVED_SOURCE_VERSION": head,
        "SOURCE_REPO_URL": "https://github.com/acme/known",
        "SOURCE_VERSION": "main",
    }
    assert variables["LONGSHORE_SANDBOX"] == str(world.directory)
    assert variables["AWS_ENDPOINT_URL"] == world.endpoint
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_a_build_does_not_inherit_the_servers_variables(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("TERRAFORM_TOKEN", "secret")
    build = world.build(
        commands(build=['echo "$PYTHONPATH$AWS_PROFILE$TERRAFORM_TOKEN<${HOME##*/}>${CODEBUILD_SOURCE_VERSION+set}"'])
    )

    assert world.output(build) == ["<home>"]


def test_builds_use_the_projects_terraform_configuration(world: World) -> None:
    spec = commands(build=['echo "<$TF_CLI_CONFIG_FILE>"'])
    assert world.output(world.build(spec)) == ["<>"]
    file = world.directory.parent / "terraform.rc"
    file.write_text("")
    assert world.output(world.build(spec)) == [f"<{file}>"]


def test_a_build_uses_the_credentials_of_its_role(world: World) -> None:
    program = 'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])'
    before = world.log.since(0)["next"]
    build = world.build(commands(build=[f"python3 -c '{program}'"]))

    name, session = world.role.rpartition("/")[2], f"AWSCodeBuild-{build['id'].rpartition(':')[2]}"
    assert world.output(build) == [f"arn:aws:sts::123456789012:assumed-role/{name}/{session}"]
    calls = world.log.since(before)["requests"]
    assert [call["operation"] for call in calls if call["caller"]] == ["GetCallerIdentity"]
    assert {call["caller"] for call in calls} == {"", name}


def test_a_missing_or_untrusting_role_is_refused(world: World) -> None:
    project = world.project(commands(build=["true"]))
    for role in (
        "arn:aws:iam::123456789012:role/nobody",
        world.create_role({"Version": "2012-10-17", "Statement": []}),
    ):
        with pytest.raises(ClientError) as error:
            world.project(commands(build=["true"]), serviceRole=role)
        code, message = refused(error)
        assert code == "InvalidInputException"
        assert message.startswith(f"CodeBuild is not authorized to perform: sts:AssumeRole on service role {role}.")
        build = world.run(project, serviceRoleOverride=role)
        assert (build["buildStatus"], context(build, "QUEUED")[0]) == ("FAILED", "ACCESS_DENIED")


def test_stop_build_ends_all_processes_of_the_build(world: World, tmp_path: Any) -> None:
    tree = f"trap '' TERM; sleep 300 & echo $! >{tmp_path}/inner; setsid sleep 301 & echo $! >{tmp_path}/session; wait"
    build = world.start(world.project(commands(build=[tree], post_build=["echo never"])))
    world.wait(build, lambda _: (tmp_path / "session").exists() and bool((tmp_path / "session").read_text()))
    assert world.codebuild.stop_build(id=build)["build"]["id"] == build
    stopped = world.wait(build)

    assert stopped["buildStatus"] == "STOPPED"
    assert phases(stopped)[-2:] == [("BUILD", "STOPPED"), ("COMPLETED", "")]
    assert world.output(stopped) == []
    for name in ("inner", "session"):
        pid = int((tmp_path / name).read_text())
        assert command_line(pid) == ""
    assert world.codebuild.stop_build(id=build)["build"]["buildStatus"] == "STOPPED"


def test_stop_build_refuses_a_missing_build(world: World) -> None:
    with pytest.raises(ClientError) as error:
        world.codebuild.stop_build(id="shop:0")
    assert refused(error)[0] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        world.codebuild.stop_build(id="shop")
    assert refused(error)[0] == "InvalidInputException"


PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "longshore"
version = "99.0"

[tool.setuptools]
packages = ["longshore"]
"""


@pytest.mark.scenario
def test_packages_installed_by_a_build_stay_in_the_build(world: World, tmp_path: Any) -> None:
    project = world.project(source={"type": "GITHUB", "location": "https://github.com/acme/packaged"})
    where = 'python3 -c "import longshore; print(longshore.__file__)"'
    install = "pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check ."
    (tmp_path / "longshore").mkdir()
    (tmp_path / "longshore" / "__init__.py").write_text("")
    git(tmp_path, "init", "--quiet")
    spec = commands(
        build=[f"cd /; {where}; cd - >/dev/null", install, f"cd /; {where}", "command -v pip invoke python"]
    )
    commit(tmp_path, buildspec_yml=spec, pyproject_toml=PROJECT)
    git(tmp_path, "push", "--quiet", str(world.directory / "repositories" / "packaged.git"), "HEAD:main")
    build = world.run(project)

    own = f"{world.directory}/builds/{build['id'].rpartition(':')[2]}/image"
    before, after, *programs = world.output(build)
    assert before == longshore.__file__
    assert after.startswith(f"{own}/lib/")
    assert programs == [f"{own}/bin/{name}" for name in ("pip", "invoke", "python")]
    assert world.output(world.build(commands(build=[where]))) == [longshore.__file__]
