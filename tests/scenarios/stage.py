"""A stage: the sandbox's ECS with scripted tasks, on a clock that the tool's own sleeping moves.

The tool works for real, over HTTP, with boto3; only Terraform is played (shop.py), and time.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import botocore.endpoint
import botocore.loaders
import pytest
from botocore.config import Config
from moto.cloudwatch.models import cloudwatch_backends
from moto.moto_api._internal.models import moto_api_backend

from longshore.aws.dynamodb import Table
from longshore.ledger.lock import Lock
from longshore.rollout import verification
from longshore.sandbox import ecs
from longshore.sandbox.api import faults, log_events, messages, scaling, target_groups
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.logs import LogWriter
from longshore.sandbox.ecs.scripted_runtime import CloudWatchLines, ScriptedRuntime
from longshore.sandbox.ecs.task_script import TaskScript, parse
from longshore.sandbox.serving import Application, Environ, StartResponse, listen, serve
from tests.fakes.clients import put_alarm
from tests.fakes.samples import ACTOR, WHEN
from tests.sandbox.moto_api import moto_restored
from tests.scenarios import shop
from tests.scenarios.calls import key_of, normal_form, own_role
from tests.scenarios.door import Answer, FrontDoor
from tests.scenarios.scenario import Event, Fault, Scenario, words
from tests.scenarios.scenario import Service as ShopService

KEY = "AKIATESTTESTTESTTEST"
SECRET = "secret"
TICK = 0.25
"""Seconds of the stage between two looks of the scheduler."""

_HANG_UP = "the terminal closes"
_SIGNALS = {name: getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")} | {_HANG_UP: signal.SIGHUP}

SETTLES_WITHIN = 120.0
_FENCES = {"another process locks the environment": 1, "another process takes over the lock": 7}
"""The fencing token with which another process holds the environment."""

_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_IMPATIENT = 0.15
"""Real seconds that the health URL gets for one answer: a loopback server needs none, one that hangs for ever takes
all of them."""


class Theatre:
    """What all stages of a process share: the listening sockets, and moto's application."""

    def __init__(self) -> None:
        # One line a request, into the log of every test.
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self.door = FrontDoor()
        self.moto = moto_application()
        self._models = botocore.loaders.create_loader()
        self._moto = ExitStack()
        self._moto.enter_context(moto_restored())
        self._listener = listen(0)
        self.application: Application = self.moto
        self._server = serve(self._answer, self._listener)

    @property
    def endpoint(self) -> str:
        """Where the AWS API answers."""
        return f"http://127.0.0.1:{self._server.port}"

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self.application(environ, start_response)

    def close(self) -> None:
        """Ends, and leaves moto as it was."""
        self.door.close()
        self._server.shutdown()
        self._server.server_close()
        self._listener.close()
        self._moto.close()

    @contextmanager
    def stage(self, scenario: Scenario, folder: Path) -> Iterator[Stage]:
        """A stage set for a scenario, with its services running."""
        moto_api_backend.reset()
        writer = LogWriter(shop.ACCOUNT)
        try:
            with pytest.MonkeyPatch.context() as patch:
                stage = Stage(self, scenario, folder, writer)
                # The retries of boto3 pass the stage's time, not ours.
                patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=stage.pass_time))
                # Each session would read the same models of AWS's services again: a fifth of a scenario's time.
                patch.setattr(botocore.loaders, "create_loader", lambda *_: self._models)
                patch.setattr(verification, "REQUEST_SECONDS", _IMPATIENT)
                stage.set()
                yield stage
        finally:
            writer.close()
            self.application = self.moto


class Log(RequestLog):
    """A request log that tells when a call was answered."""

    def __init__(self, on_call: Callable[[], None]) -> None:
        super().__init__()
        self._on_call = on_call

    def add(self, *call: Any, **rest: Any) -> None:
        """Record a call, and tell."""
        super().add(*call, **rest)
        self._on_call()


class Terminal(io.StringIO):
    """What a person reads, until the terminal closes: then every write fails."""

    gone = False

    def write(self, text: str) -> int:
        """Takes it, or fails as a terminal that is closed."""
        if self.gone:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().write(text)


@dataclass
class _Timed:
    event: Event
    due: float | None = None


class Stage:
    """One scenario's world.

    Args:
        theatre: where it stands.
        scenario: what is played.
        folder: for the project's files.
        writer: of the tasks' log lines.
    """

    def __init__(self, theatre: Theatre, scenario: Scenario, folder: Path, writer: LogWriter) -> None:
        self.scenario = scenario
        self.endpoint = theatre.endpoint
        self.door_url = theatre.door.url
        self.folder = folder
        self._begun = self._now = float(int(time.time()))
        self._lock = threading.RLock()
        self._digests: dict[str, str] = {}
        self._foreign: set[tuple[str, int]] = set()
        self.terminal = Terminal()
        self.answer_hook: Callable[..., None] = lambda _key, *, rollback: None
        self._timed: list[_Timed] = []
        self._faults: list[Fault] = []
        self._mark = 0
        self._turn = 0
        lines = CloudWatchLines(writer, shop.REGION)
        self.runtime = ScriptedRuntime(self._behaviours, self._digest, lines, self._forget)
        cloud = Cloud(folder, shop.REGION, shop.ACCOUNT, "", cast(Any, None), cast(Any, None))
        self.ecs = ecs.install(cloud, runtime=self.runtime, clock=self.now)
        scaling.install(self.ecs)
        target_groups.install(self.ecs)
        log_events.install(self.ecs.orchestrator.timing)
        messages.install()
        self.orchestrator = self.ecs.orchestrator
        usual = {"rollback_window": scenario.settings.window, "empty_log_pages": 1.0}
        for name, value in (usual | scenario.settings.ecs).items():
            self.orchestrator.timing.set(name, value)
        self.released_revisions: dict[str, int] = {}
        self.log = Log(self._strike)
        self.front = AwsApi(theatre.moto, AccessKeys(KEY, SECRET), self.log, dict)
        theatre.application = self.front
        theatre.door.chosen = self._who_answers

    # Time

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self._now

    def pass_time(self, seconds: float) -> None:
        """Lets so many seconds pass."""
        with self._lock:
            end = self._now + seconds
            self._happen()
            while self._now < end:
                self._now = min(end, self._now + TICK)
                self.orchestrator.step()
                self._happen()

    def _happen(self) -> None:
        if not self._timed:
            return
        made = self.calls() if any(timed.due is None for timed in self._timed) else []
        for timed in self._timed:
            if timed.due is None and timed.event.after in made:
                timed.due = self._now + timed.event.wait
        ready = [timed for timed in self._timed if timed.due is not None and timed.due <= self._now]
        self._timed = [timed for timed in self._timed if timed not in ready]
        for timed in ready:
            self.do(timed.event.do)

    def _strike(self) -> None:
        """Sets the faults whose call has just been answered; asked at each call, before the next one can come."""
        if not self._faults:
            return
        made = ["", *self.calls()]
        ready = [fault for fault in self._faults if fault.after in made]
        self._faults = [fault for fault in self._faults if fault not in ready]
        for fault in ready:
            given = fault.model_dump(exclude={"after"}, exclude_defaults=True)
            self.front.faults.add(faults.parse(given))

    # The play

    @contextmanager
    def command(self) -> Iterator[None]:
        """While the block lasts, the scenario's events happen and its faults strike; the log begins anew."""
        self._mark = self.log.since(0)["next"]
        self._begun = self._now
        self._faults = list(self.scenario.faults)
        self._strike()
        for event in self.scenario.events:
            if event.at == 0:
                self.do(event.do)
            else:
                self._timed.append(_Timed(event, None if event.at is None else self._begun + event.at))
        try:
            yield
        finally:
            self._timed, self._faults = [], []
            self.front.faults.clear()

    def calls(self) -> list[str]:
        """The mutating calls since the command began, in their normal form."""
        made = [call for call in self.log.since(self._mark)["requests"] if call["mutating"]]
        return normal_form(made, self.role, self._first)

    def do(self, text: str) -> None:
        """Performs an event: an operator, a signal or another process acts."""
        if text in _SIGNALS:
            self.terminal.gone = text == _HANG_UP
            signal.raise_signal(_SIGNALS[text])
        elif found := words(r"another process (deploys|restarts) (\w+)", text):
            self._deploy_foreign(found[1], same=found[0] == "restarts")
        elif found := words(r"an operator (scales|sets the minimum of) (\w+) to (\d+)", text):
            set_to = self._set_count if found[0] == "scales" else self._scale
            set_to(found[1], int(found[2]))
        elif found := words(r"(\w+) (\w+) is deregistered", text):
            self.ecs.definitions.backend.deregister_task_definition(self.arn(found[0], found[1]))
            self.stack.deregistered.add(self.arn(found[0], found[1]))
        elif text in _FENCES:
            self._lock_by_another(_FENCES[text])
        elif found := words(r"(\w+) is (gone|deleted)", text):
            self._remove(found[0], gone=found[1] == "gone")
        elif found := words(r"an operator (?:continues|rolls back) (\w+) at its hook", text):
            self.answer_hook(found[0], rollback="rolls back" in text)
        else:
            self._set_state(text)

    # Looking

    def role(self, family: str, number: int) -> str:
        """The role of a revision (scenario.py)."""
        if (family, number) in self._foreign:
            return "foreign"
        current = self.released_revisions.get(family, 1)
        if number <= current:
            return "old" if number == current else "earlier"
        return own_role(self._first + self._own_numbers(family).index(number))

    def arn(self, key: str, role: str) -> str:
        """The newest revision of a role."""
        found = self.ecs.definitions.backend.task_definitions[shop.family(key)]
        return next(str(found[n].arn) for n in sorted(found, reverse=True) if self.role(shop.family(key), n) == role)

    def service(self, key: str) -> Service | None:
        """A service of the fleet."""
        return self.orchestrator.fleet.service(shop.CLUSTER, shop.family(key))

    def runs(self, key: str) -> str:
        """The role of the revision that a service works towards, or that a schedule's target starts."""
        if key == shop.NIGHTLY:
            targets = self.client("events").list_targets_by_rule(Rule=shop.family(key))["Targets"]
            return self._role_of_arn(targets[0]["EcsParameters"]["TaskDefinitionArn"])
        service = self.service(key)
        return self._role_of_arn(service.primary.task_definition) if service and service.deployments else "nothing"

    def minimum(self, key: str) -> int | None:
        """The count that autoscaling keeps of a service; None where it knows nothing of it."""
        identity = target_of(key)
        found = self.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace=identity["ServiceNamespace"], ResourceIds=[identity["ResourceId"]]
        )["ScalableTargets"]
        return int(found[0]["MinCapacity"]) if found else None

    def live_roles(self, key: str) -> set[str]:
        """The roles of the tasks of a service that run and are not told to stop."""
        service = self.service(key)
        live = self.orchestrator.fleet.live_of(service) if service else []
        return {self._role_of_arn(task.task_definition) for task in live if not task.leaving}

    def one_off_tasks(self) -> int:
        """How many tasks were started that belong to no service."""
        return sum(not launch.service for launch in self.runtime.started)

    def client(self, name: str, retries: int = 3) -> Any:
        """A boto3 client."""
        make: Any = boto3.client
        return make(
            name,
            endpoint_url=self.endpoint,
            region_name=shop.REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(retries={"mode": "standard", "total_max_attempts": retries}),
        )

    # Setting up

    def set(self) -> None:
        """Sets the stage: what Terraform made, and what was released before."""
        shape = self.scenario.shape
        self.client("ecs").create_cluster(clusterName=shop.CLUSTER)
        logs = self.client("logs")
        for key in shop.keys(shape.grown):
            logs.create_log_group(logGroupName=shop.log_group(key))
        repository = self._put_images()
        self._make_table()
        self.ssm = self.client("ssm")
        self.stack = shop.Stack(shape, repository, self.client("ecs"), self.ssm, self.folder, self._scale)
        self._set_tag("unreleased")
        for number, tag in enumerate(shape.released or ("unreleased",)):
            with self.stack.plan({"image_tag": tag}) as saved:
                self.stack.apply(saved)
            if number == 0:
                self._make_services()
                self._make_schedule()
            else:
                self._move_services()
            self.settle()
            if tag in shape.released:
                self._set_tag(tag)
        self.released_revisions = {
            family: max(revisions) for family, revisions in self.ecs.definitions.backend.task_definitions.items()
        }
        self._happen_before()
        if shape.variables_changed:
            self.stack.greeting = "good day"
        self.released_revisions |= {shop.family(key): 0 for key in shape.added}
        self.stack.shape = shape.grown
        self.stack.applied = False
        self._set_hooks()

    def _happen_before(self) -> None:
        for text in self.scenario.before:
            self.do(text)
        if self.scenario.before:
            self.settle()
        if self.scenario.shape.lost == "ledger and tag":
            self._set_tag("unreleased")

    def settle(self) -> None:
        """Lets time pass until nothing moves any more."""
        end = self._now + SETTLES_WITHIN
        while self._now < end:
            self.pass_time(2.0)
            services = self.orchestrator.fleet.services.values()
            if all(service.steady or service.status != "ACTIVE" for service in services):
                return

    def digest(self, tag: str) -> str:
        """The digest of a released image."""
        return self._digests[f"{self.stack.repository}:{tag}"]

    def take_in(self, reference: str, digest: str) -> None:
        """An image that was pushed since the stage was set; the tasks run it."""
        self._digests[reference] = digest

    def _remove(self, key: str, *, gone: bool) -> None:
        """Deletes a service, or lets ECS forget it."""
        with self.orchestrator.lock:
            if gone:
                del self.orchestrator.fleet.services[shop.CLUSTER, shop.family(key)]
            else:
                self.ecs.services.delete({"cluster": shop.CLUSTER, "service": shop.family(key), "force": True})

    def _set_hooks(self) -> None:
        for key, hook in self.scenario.shape.hooks.items():
            limit = {"timeoutInMinutes": hook.minutes, "action": hook.action}
            given = {"targetType": "PAUSE", "lifecycleStages": list(hook.stages), "timeoutConfiguration": limit}
            self._update(key, deploymentConfiguration={"lifecycleHooks": [given]})

    def _set_tag(self, tag: str) -> None:
        self.ssm.put_parameter(Name=shop.PARAMETER, Value=tag, Type="String", Overwrite=True)

    def _put_images(self) -> str:
        ecr = self.client("ecr")
        made = ecr.create_repository(repositoryName=shop.REPOSITORY, imageTagMutability="IMMUTABLE")["repository"]
        for tag in sorted({*self.scenario.shape.released, "v1.0.1"}):
            manifest = f'{{"schemaVersion": 2, "mediaType": "{_MANIFEST_TYPE}", "config": {{"digest": "{tag}"}}}}'
            put = put_image(ecr, shop.REPOSITORY, manifest, tag)
            self._digests[f"{made['repositoryUri']}:{tag}"] = put["image"]["imageId"]["imageDigest"]
        return str(made["repositoryUri"])

    def _make_table(self) -> None:
        self.client("dynamodb").create_table(
            TableName=shop.TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )

    def _make_services(self) -> None:
        shape, client = self.scenario.shape, self.client("ecs")
        breaker = {"enable": shape.breaker != "off", "rollback": shape.breaker == "rolls back"}
        for key, service in shape.services.items():
            configuration = dict(shape.configuration.get(key, {}))
            self._make_alarms(configuration.get("alarms", {}).get("alarmNames", []))
            settings = configuration.pop("deploymentCircuitBreaker", {})
            client.create_service(
                cluster=shop.CLUSTER,
                serviceName=shop.family(key),
                taskDefinition=self.stack.revisions[key].arn,
                desiredCount=service.count if shape.released else 0,
                deploymentConfiguration={"deploymentCircuitBreaker": breaker | settings, **configuration},
                **balanced(key, service, self.client),
            )
            self._scale(key, service.minimum if shape.released else 0)

    def _make_alarms(self, names: Sequence[str]) -> None:
        for name in names:
            put_alarm(self.client("cloudwatch"), name)

    def _set_state(self, text: str) -> None:
        if text == "an operator disables nightly":
            self.client("events").disable_rule(Name=shop.family(shop.NIGHTLY))
            return
        if text == "the credentials expire":
            for service in ("ecs", "dynamodb", "ssm", "logs"):
                self.front.faults.add(faults.parse({"operation": f"{service}:*", "kind": "expired"}))
            return
        found = words(r"the alarm (\w+) goes to (ALARM|OK)", text)
        if found is None:
            raise ValueError(f"unknown event: {text!r}")
        backend = cloudwatch_backends[shop.ACCOUNT][shop.REGION]
        backend.set_alarm_state(found[0], "set by the scenario", "{}", found[1])

    def _scale(self, key: str, minimum: int) -> None:
        """Lets autoscaling keep so many tasks of a service, if it scales it."""
        if self.scenario.shape.grown.services[key].minimum:
            self.client("application-autoscaling").register_scalable_target(
                **target_of(key), MinCapacity=minimum, MaxCapacity=9
            )

    def _set_count(self, key: str, count: int) -> None:
        self._update(key, desiredCount=count)

    def _move_services(self) -> None:
        for key in self.scenario.shape.services:
            self._update(key, taskDefinition=self.stack.revisions[key].arn)

    def _make_schedule(self) -> None:
        if not self.scenario.shape.schedule:
            return
        events, rule = self.client("events"), shop.family(shop.NIGHTLY)
        state = "ENABLED" if self.scenario.shape.released else "DISABLED"
        events.put_rule(Name=rule, ScheduleExpression="cron(0 3 * * ? *)", State=state)
        self._put_target(self.stack.revisions[shop.NIGHTLY].arn)

    def _put_target(self, task_definition: str) -> None:
        events, rule = self.client("events"), shop.family(shop.NIGHTLY)
        target = {
            "Id": "task",
            "Arn": self.ecs.definitions.cluster_arn(shop.CLUSTER),
            "RoleArn": f"arn:aws:iam::{shop.ACCOUNT}:role/{rule}",
            "EcsParameters": {"TaskDefinitionArn": task_definition, "TaskCount": 1},
        }
        events.put_targets(Rule=rule, Targets=[target])

    # Others

    def _deploy_foreign(self, key: str, *, same: bool = False) -> None:
        if same:
            self._update(key, forceNewDeployment=True)
            return
        given = shop.content(self.scenario.shape, key, self.stack.repository, "v9.9.9", "mine")
        backend = self.ecs.definitions.backend
        with self.orchestrator.lock:
            made = backend.register_task_definition(
                family=given["family"],
                container_definitions=given["containerDefinitions"],
                volumes=[],
                network_mode="bridge",
                tags=[],
                placement_constraints=[],
                requires_compatibilities=[],
                cpu=None,
                memory=None,
                task_role_arn=None,
                execution_role_arn=None,
                proxy_configuration=None,
                inference_accelerators=None,
                runtime_platform=None,
                ipc_mode=None,
                pid_mode=None,
                ephemeral_storage=None,
            )
        self._foreign.add((given["family"], int(made.revision)))
        if key == shop.NIGHTLY:
            self._put_target(str(made.arn))
        else:
            self._update(key, taskDefinition=str(made.arn))

    def _lock_by_another(self, fence: int) -> None:
        table = Table(self.client("dynamodb"), shop.TABLE)
        lock = Lock(
            owner="another",
            fence=fence,
            actor=ACTOR,
            purpose="release of 0123456789ab",
            since=WHEN,
            beaten=WHEN,
            lease=60,
        )
        table.put(f"lock#{shop.ENVIRONMENT}", "lock", lock.model_dump(mode="json"))

    def _update(self, key: str, **given: Any) -> None:
        """Somebody else's UpdateService: not in our log, and no fault meets it."""
        with self.orchestrator.lock:
            self.ecs.services.update({"cluster": shop.CLUSTER, "service": shop.family(key), **given})

    @property
    def _first(self) -> int:
        """What a roll-back by hand registers was there before: it has nothing new."""
        return int(self.scenario.command.startswith("rollback"))

    def _own_numbers(self, family: str) -> list[int]:
        """The revisions that were registered since the command began, but for somebody else's."""
        known = self.ecs.definitions.backend.task_definitions.get(family, {})
        before = self.released_revisions.get(family, 1)
        return [number for number in sorted(known) if number > before and (family, number) not in self._foreign]

    def _role_of_arn(self, arn: str) -> str:
        family, _, number = arn.rpartition("/")[2].partition(":")
        return self.role(family, int(number))

    def _behaviours(self, family: str, number: int) -> Sequence[TaskScript]:
        key = key_of(family)
        if not self.released_revisions:
            # While the stage is being set, the newest is what will be old.
            tags = self.scenario.shape.released
            role = "old" if number >= len(tags) else "earlier"
        else:
            role = self.role(family, number)
        usual = "exits 0 after 2 s" if key == shop.MIGRATE else "runs"
        return parse(self.scenario.tasks.get(f"{key} {role}", usual))

    def _digest(self, image: str) -> str:
        return self._digests.get(image, "")

    def _forget(self, task: str) -> None:
        """ECS knows a task no more (it was swept long ago, or never told)."""
        fleet = self.orchestrator.fleet
        with self.orchestrator.lock:
            gone = fleet.tasks[task]
            gone.stopped_at = 0.0
            fleet.mark_stopped(gone)

    def _who_answers(self) -> Answer | None:
        with self.orchestrator.lock:
            fleet = self.orchestrator.fleet
            serving = [t for t in fleet.live.values() if t.port and t.serving and t.service]
            if not serving:
                return None
            self._turn += 1
            task = serving[self._turn % len(serving)]
        variables = task.definition["containerDefinitions"][0]["environment"]
        version = next(v["value"] for v in variables if v["name"] == "RELEASE_VERSION")
        return version, self.runtime.script_of(task.id).answers


def put_image(ecr: Any, repository: str, manifest: str, tag: str) -> dict[str, Any]:
    """Puts an image under the digest of its manifest; moto would invent one."""
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    given = {"imageManifest": manifest, "imageTag": tag, "imageDigest": digest}
    return dict(ecr.put_image(repositoryName=repository, **given))


def balanced(key: str, service: ShopService, client: Callable[[str], Any]) -> dict[str, Any]:
    """The parameters of CreateService that put a service behind a new target group, if it has one."""
    group = service.target_group
    if group is None:
        return {}
    http = {"HealthCheckPath": "/health", "Matcher": {"HttpCode": group.matcher}} if group.protocol == "HTTP" else {}
    made = client("elbv2").create_target_group(
        Name=shop.family(key),
        VpcId=client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"],
        TargetType="instance",
        Protocol=group.protocol,
        Port=service.port,
        HealthCheckIntervalSeconds=group.interval,
        HealthyThresholdCount=group.healthy,
        UnhealthyThresholdCount=group.unhealthy,
        **http,
    )
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    return {
        "loadBalancers": [{"targetGroupArn": arn, "containerName": key, "containerPort": service.port}],
        "healthCheckGracePeriodSeconds": service.grace,
    }


def target_of(key: str) -> dict[str, str]:
    """What names the scalable target of a service."""
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{shop.CLUSTER}/{shop.family(key)}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
