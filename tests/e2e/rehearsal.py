"""Plays scenarios on a whole sandbox: the command line, real Terraform, real images, real containers."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshore.sandbox import control
from longshore.sandbox.ecs.task_script import TaskScript, parse
from tests.e2e.project import ACCOUNT, INVOKE, Project
from tests.scenarios.calls import key_of, normal_form, own_role
from tests.scenarios.play import Found, differences
from tests.scenarios.scenario import Event, Expected, Scenario, words
from tests.scenarios.shop import CLUSTER, PARAMETER, REPOSITORY, TABLE, family

LOOK = 0.1
SETTLES_WITHIN = 60.0
ENVIRONMENT = "sandbox"
NOT_OURS = ("s3", "logs", "ecr", "sts", "iam", "tagging", "dynamodb")
"""Services that a real release changes besides: its images, its state, its logs."""

_INVOKE_YAML = """longshore:
  applications:
    storefront:
      region: eu-central-1
      images: {{app: {{context: storefront, build_args: {{NPM_TOKEN: "{canary}-argument"}}}}}}
      environments:
        sandbox: {{endpoint: sandbox, account: "{account}", deadlines: {deadlines}}}
"""
_ENTRYPOINT = """
ARG NPM_TOKEN
RUN echo "the token is $NPM_TOKEN"
COPY behave /app/
ENTRYPOINT ["sh", "/app/behave"]
"""
CANARY = "canary-4711"
"""Part of every secret that this project has: of a variable of the process, of a build argument, of containers."""

_TOKEN = f"{CANARY}-process"
_VARIABLES = f'''{{
      SEASON       = "summer"
      API_TOKEN    = "{CANARY}-variable"
      DATABASE_URL = "postgres://shop:{CANARY}-url@db:5432/shop"
    }}'''
_TALKS = """
echo "starts with password=$API_TOKEN at $DATABASE_URL"
echo "{\\"API_TOKEN\\"=>\\"$API_TOKEN\\", \\"RACK_ENV\\"=>\\"production\\"}"
echo "in base64 $(printf %s "$API_TOKEN" | base64)"
echo "one half ${API_TOKEN%-*}"
echo "-${API_TOKEN##*-} is the other"
"""
_FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode()[:12])
_FOR_EVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done\n"
_INSTEAD = {"circuit breaker": "new tasks stopped"}
"""What a real release may say in another's place: three failed tasks and the breaker show within one look."""


@dataclass
class Rehearsal:
    """The storefront on a sandbox of its own, released and well; between scenarios it is well again."""

    project: Project
    released: str = ""
    before: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    command_lines: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Sets everything up, and releases a first version."""
        self._configure({})
        self.project.invoke("sandbox.up")
        self._tree("")
        self.project.invoke("bootstrap", "--yes")
        self.released = self._release()["version"]

    def play(self, scenario: Scenario) -> tuple[list[str], str]:
        """Plays one; returns what is otherwise than its file says, and all that was printed."""
        self._configure(scenario.settings.deadlines)
        control.settings(self.project.state(), rollback_window=scenario.settings.window, **scenario.settings.ecs)
        control.clear_faults(self.project.state())
        self._tree(_script(scenario))
        if scenario.shape.variables_changed:
            self._change_variables()
        self._look_before()
        since, _ = self.project.requests()
        document, code, printed = self._run(scenario, since)
        found = self._found(document, code, since)
        said = differences(_expected_here(scenario.expect, found), found)
        return [*said, *self._terraform(scenario, document)], printed

    def mend(self, scenario: Scenario) -> None:
        """Brings the services back to a good release where the scenario left something else."""
        ecs = self.project.client("ecs")
        for status in ("RUNNING",):
            for task in ecs.list_tasks(cluster=CLUSTER, family=family("migrate"), desiredStatus=status)["taskArns"]:
                ecs.stop_task(cluster=CLUSTER, task=task)
        if any(role in ("foreign", "new") for role in scenario.expect.runs.values()) and scenario.expect.exit_code:
            # What it should go back to may have been deregistered: what is registered last has the same content.
            for key in scenario.expect.runs:
                last = ecs.describe_task_definition(taskDefinition=family(key))["taskDefinition"]["taskDefinitionArn"]
                ecs.update_service(cluster=CLUSTER, service=family(key), taskDefinition=last)
        self._settle()
        if scenario.expect.verdict == "succeeded":
            self.released = self._parameter()

    def secrets_in(self, printed: str) -> list[str]:
        """Where a secret can be read: in what was printed, in the ledger, in temporary files, in ours."""
        ledger = self.project.client("dynamodb").scan(TableName=TABLE)
        texts = {"the output": printed, "the ledger": json.dumps(ledger["Items"], default=str)}
        ours = [
            path
            for path in (self.project.folder / ".longshore").rglob("*")
            if path.is_file() and "sandbox" not in path.relative_to(self.project.folder / ".longshore").parts[:1]
        ]
        left = [path for path in self._temporary.rglob("*") if path.is_file()]
        texts |= {str(path): path.read_bytes().decode(errors="replace") for path in (*ours, *left)}
        texts |= {"the process list": "\n".join(self.command_lines)}
        return [place for place, text in texts.items() if any(form in text for form in _FORMS)]

    def log_of(self, key: str) -> str:
        """What the containers of a service have said, from CloudWatch Logs."""
        events = self.project.client("logs").filter_log_events(logGroupName=f"/storefront/{ENVIRONMENT}/{key}")
        return "\n".join(event["message"] for event in events["events"])

    @property
    def _temporary(self) -> Path:
        folder = self.project.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def status(self) -> str:
        """What `invoke status` says."""
        return self.project.invoke("status").out

    # Setting up

    def _configure(self, deadlines: dict[str, Any]) -> None:
        text = _INVOKE_YAML.format(account=ACCOUNT, deadlines=json.dumps(deadlines), canary=CANARY)
        self.project.write("invoke.yaml", text)

    def _tree(self, script: str) -> None:
        """Commits a version of the storefront whose containers do what the script says before their own work."""
        folder = self.project.folder / "storefront"
        docker = (folder / "Dockerfile").read_text().partition("\nARG NPM_TOKEN")[0]
        (folder / "Dockerfile").write_text(docker + _ENTRYPOINT)
        (folder / "behave").write_text(f'# {time.time()}\n{_TALKS}{script}exec /app/storefront "$1"\n')
        self.project.commit("storefront", f"Deploy with {_TOKEN}")

    def _release(self) -> dict[str, Any]:
        return dict(self.project.invoke("release", "--yes", "--json", DEPLOY_TOKEN=_TOKEN).json())

    def _change_variables(self) -> None:
        file = self.project.folder / "environments" / "sandbox.tfvars"
        file.write_text(file.read_text().replace('"summer"', '"winter"'))

    def _look_before(self) -> None:
        """Notes what is registered, and registers what somebody else will deploy."""
        ecs = self.project.client("ecs")
        self.foreign = {}
        for key in ("web", "worker", "migrate"):
            latest = ecs.describe_task_definition(taskDefinition=family(key))["taskDefinition"]
            (container,) = latest["containerDefinitions"]
            variables = {entry["name"]: entry["value"] for entry in container["environment"]}
            container["environment"] = [
                {"name": name, "value": value} for name, value in (variables | {"RELEASE_VERSION": "v9.9.9"}).items()
            ]
            kept = (
                "family",
                "cpu",
                "memory",
                "networkMode",
                "volumes",
                "requiresCompatibilities",
                "executionRoleArn",
                "taskRoleArn",
            )
            made = ecs.register_task_definition(
                containerDefinitions=[container], **{name: latest[name] for name in kept if latest.get(name)}
            )["taskDefinition"]
            self.foreign[key] = made["taskDefinitionArn"]
            running = self._running(key) if key != "migrate" else latest["taskDefinitionArn"]
            self.before[family(key)] = int(running.rpartition(":")[2])

    # Playing

    def _run(self, scenario: Scenario, since: int) -> tuple[dict[str, Any], int, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "INVOKE_"))}
        kept |= {"DEPLOY_TOKEN": _TOKEN, "TMPDIR": str(self._temporary)}
        with (
            subprocess.Popen(
                [*INVOKE, *scenario.command.split(), "--yes", "--json"],
                cwd=self.project.folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            self._happening(scenario, since, process),
            self._watching(),
        ):
            out, err = process.communicate(timeout=280)
        return json.loads(out), process.returncode, out + err

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Notes the command lines of this machine that show a secret, as every user can read them."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                for file in Path("/proc").glob("[0-9]*/cmdline"):
                    with suppress(OSError):
                        line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        if CANARY in line:
                            self.command_lines.add(line)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    @contextmanager
    def _happening(self, scenario: Scenario, since: int, process: subprocess.Popen[str]) -> Iterator[None]:
        """Lets the scenario's events happen, each when its call has been made."""
        events = [*scenario.events, *_events_of_tasks(scenario)]
        over = threading.Event()
        threads = [threading.Thread(target=self._await, args=(event, since, process, over)) for event in events]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _await(self, event: Event, since: int, process: subprocess.Popen[str], over: threading.Event) -> None:
        while event.after not in self._calls(since):
            if over.wait(LOOK):
                return
        if not over.wait(event.wait):
            self._do(event.do, process)

    def _do(self, text: str, process: subprocess.Popen[str]) -> None:
        ecs = self.project.client("ecs")
        if text in ("SIGINT", "SIGTERM", "SIGHUP"):
            process.send_signal(getattr(signal, text))
        elif found := words(r"another process deploys (\w+)", text):
            ecs.update_service(cluster=CLUSTER, service=family(found[0]), taskDefinition=self.foreign[found[0]])
        elif found := words(r"(\w+) old is deregistered", text):
            name = family(found[0])
            ecs.deregister_task_definition(taskDefinition=f"{name}:{self.before[name]}")
        elif text == "the image is deleted":
            self._delete_image()
        else:
            raise ValueError(f"unknown event: {text!r}")

    def _delete_image(self) -> None:
        """Deletes the image of this release, once the worker has it."""
        ecs, ecr = self.project.client("ecs"), self.project.client("ecr")
        until = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < until:
            arns = ecs.list_tasks(cluster=CLUSTER, serviceName=family("worker"))["taskArns"]
            tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
            new = [t for t in tasks if int(t["taskDefinitionArn"].rpartition(":")[2]) > self.before[family("worker")]]
            if any(task["lastStatus"] == "RUNNING" for task in new):
                break
            time.sleep(LOOK / 2)
        images = ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
        newest = max(images, key=lambda image: image["imagePushedAt"])
        tags = [{"imageTag": tag} for tag in newest["imageTags"]]
        ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=tags)

    # Looking

    def _calls(self, since: int) -> tuple[str, ...]:
        _, logged = self.project.requests(since)
        return tuple(self._normal(logged))

    def _normal(self, logged: list[dict[str, Any]]) -> list[str]:
        ours = [
            call
            for call in logged
            if call["mutating"]
            and call["service"] not in NOT_OURS
            and call["operation"] != "DeregisterTaskDefinition"
            and call["parameters"].get("taskDefinition") not in self.foreign.values()
        ]
        return normal_form(ours, self._role, 0)

    def _role(self, name: str, number: int) -> str:
        foreign = int(self.foreign[key_of(name)].rpartition(":")[2])
        if number == foreign:
            return "foreign"
        if number < foreign:
            return "old" if number == self.before[name] else "earlier"
        return own_role(number - foreign - 1)

    def _found(self, document: dict[str, Any], code: int, since: int) -> Found:
        calls = self._calls(since)
        lines = [line.replace(f"tag {self._parameter()}", "tag v1.0.1") for line in calls]
        told = f"{document['message']} {document['hint']}"
        why = json.dumps(document["failures"])
        new = document["version"]
        key = {"pk": {"S": f"lock#{ENVIRONMENT}"}, "sk": {"S": "lock"}}
        lock = self.project.client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]
        expected = Expected(
            verdict=document["verdict"],
            cause=document["cause"],
            exit_code=code,
            outcomes={name: service["outcome"] for name, service in document["services"].items()},
            runs={name: self._runs(name) for name in ("web", "worker")},
            lock=bool(lock["owner"]["S"]),
            calls=tuple(lines),
        )
        return Found(
            expected=expected,
            warnings=tuple(document["warnings"]),
            told=told.replace(new, "v1.0.1").replace(self.released, "v1.0.0"),
            why=why.replace(new, "v1.0.1"),
            seconds=document["seconds"],
            started_one_off=0,
            live={},
            terraform_pending=False,
            console="",
        )

    def _runs(self, key: str) -> str:
        name, _, number = self._running(key).rpartition("/")[2].partition(":")
        return self._role(name, int(number))

    def _running(self, key: str) -> str:
        (service,) = self.project.client("ecs").describe_services(cluster=CLUSTER, services=[family(key)])["services"]
        return str(service["taskDefinition"])

    def _parameter(self) -> str:
        return str(self.project.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])

    def _terraform(self, scenario: Scenario, document: dict[str, Any]) -> list[str]:
        """Terraform's own plan, with no tag, after what went back or went well: it must be empty."""
        if document["verdict"] == "unknown":
            return []
        code = self.project.terraform_plan(
            "terraform/app", "storefront/sandbox/terraform", "environments/sandbox.tfvars"
        )
        return [f"terraform plan ended with {code}"] if code else []

    def _settle(self) -> None:
        ecs, until = self.project.client("ecs"), time.monotonic() + SETTLES_WITHIN
        names = [family("web"), family("worker")]
        while time.monotonic() < until:
            services = ecs.describe_services(cluster=CLUSTER, services=names)["services"]
            if all(len(s["deployments"]) == 1 and s["deployments"][0]["rolloutState"] == "COMPLETED" for s in services):
                return
            time.sleep(LOOK)
        raise TimeoutError(f"not settled after {SETTLES_WITHIN:.0f} s: {services}")


def prepare(project: Project) -> None:
    """Leaves in the project what a rehearsal needs, and nothing of other applications."""
    project.write("environments/foundation.tfvars", 'application = "storefront"\nregion = "eu-central-1"\n'
                  'images = ["app"]\n')  # fmt: skip
    file = project.folder / "environments" / "sandbox.tfvars"
    text = file.read_text() + '\nnot_secret = ["API_TOKEN", "DATABASE_URL"]\n'
    for command in ('["worker"]', '["web"]'):
        text = text.replace(f"= {command}\n", f"= {command}\n    environment = {_VARIABLES}\n")
    file.write_text(text)


def _expected_here(expected: Expected, found: Found) -> Expected:
    """What is expected of real containers: the texts may be the other ones that mean the same.

    The ledger is left out: here real time passes, and a sign of life may come between any two calls.
    """
    text = f"{found.told} {found.why}"
    says = tuple(_INSTEAD[t] if t in _INSTEAD and t not in text else t for t in expected.says)
    calls = tuple(call for call in expected.calls if call != "ledger")
    return expected.model_copy(update={"says": says, "calls": calls})


def _script(scenario: Scenario) -> str:
    """The shell's words for what the tasks of the new revisions do; nothing for those that run well."""
    fragments = [
        f"{text.partition(' ')[0]}) {_fragment(parse(behaviour)[0], behaviour)};;\n"
        for text, behaviour in scenario.tasks.items()
        if text.endswith(" new")
    ]
    return f"case $1 in\n{''.join(fragments)}esac\n" if fragments else ""


def _fragment(behaviour: TaskScript, text: str) -> str:
    lines = [f"echo '{line}'\n" for line in behaviour.says]
    if found := words(r"answers with version (\S+)", text):
        return f"export RELEASE_VERSION={found[0]}\n"
    if found := words(r"runs after (\S+) s", text):
        return f"sleep {found[0]}\n"
    if behaviour.exits_after:
        lines.append(f"sleep {behaviour.exits_after}\n")
    if behaviour.out_of_memory:
        lines.append("exec tail /dev/zero\n")
    elif behaviour.exits is not None:
        lines.append(f"exit {behaviour.exits}\n")
    elif text in ("hangs", "never listens"):
        lines.append(_FOR_EVER)
    return "".join(lines)


def _events_of_tasks(scenario: Scenario) -> list[Event]:
    """What has to happen so that tasks can't pull: the image goes once the wave before has it."""
    pulls = [name for name, text in scenario.tasks.items() if text == "cannot pull"]
    assert pulls in ([], ["web new"])
    return [Event(after="update worker new", do="the image is deleted")] if pulls else []
