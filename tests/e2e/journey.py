"""The journey: set up, release twice, roll back, fail; then an application of another shape beside the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

from tests.e2e.project import ACCOUNT, Answer, Project, Visitor

INVOKE_YAML = f"""
longshore:
  applications:
    storefront:
      region: eu-central-1
      images: {{app: {{context: storefront}}}}
      environments:
        sandbox: {{endpoint: sandbox, account: "{ACCOUNT}", deadlines: {{rollout: 60}}}}
    gateway:
      region: eu-central-1
      images:
        app: {{context: gateway, dockerfile: docker/app.Dockerfile}}
        sidecar: {{context: gateway, dockerfile: docker/sidecar.Dockerfile}}
      terraform:
        var_files: ["environments/gateway-{{environment}}.tfvars"]
        foundation: {{var_files: ["environments/gateway-foundation.tfvars"]}}
      environments:
        sandbox: {{endpoint: sandbox, account: "{ACCOUNT}"}}
"""
GATEWAY_TFVARS = """
application      = "gateway"
environment_name = "sandbox"
region           = "eu-central-1"
images           = ["app", "sidecar"]
services = {
  edge = {
    image          = "app"
    container_port = 9000
    desired_count  = 1
    wave           = 1
    cpu            = 128
    memory         = 128
    stop_timeout   = 5
    init_process   = true
    writable_paths = ["/www"]
    sidecars       = { clock = { image = "sidecar" } }
  }
}
verify = [{ service = "edge", path = "/" }]
"""
APP = """FROM busybox:stable
RUN mkdir /www
CMD ["sh", "-c", "echo gateway $RELEASE_VERSION > /www/index.html && exec httpd -f -p 9000 -h /www"]
"""
SIDECAR = """FROM busybox:stable
CMD ["sh", "-c", "trap 'exit 0' TERM; while true; do date; sleep 1; done"]
"""

CRASHING = """
ENTRYPOINT ["sh", "-c", "case $0 in web) sleep 1; exit 3;; esac; exec /app/storefront $0"]
"""
NOT_MIGRATING = """
ENTRYPOINT ["sh", "-c", "case $0 in migrate) echo column exists already; exit 3;; esac; exec /app/storefront $0"]
"""


def write_gateway(project: Project) -> None:
    """One service, no migration, another port, two images, other paths of the Dockerfiles."""
    project.write("gateway/docker/app.Dockerfile", APP)
    project.write("gateway/docker/sidecar.Dockerfile", SIDECAR)
    project.write("environments/gateway-sandbox.tfvars", GATEWAY_TFVARS)
    project.write(
        "environments/gateway-foundation.tfvars",
        'application = "gateway"\nregion = "eu-central-1"\nimages = ["app", "sidecar"]\n',
    )


@dataclass
class Found:
    """What the journey saw on its way."""

    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    plans: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    visitor: Visitor | None = None


def travel(project: Project) -> Found:
    """Goes the whole way, in order; nothing here judges, but a command with another exit code ends it."""
    found = Found()
    project.invoke("sandbox.up")
    project.commit("storefront", "First")
    _first_application(project, found)
    _failures(project, found)
    _second_application(project, found)
    return found


def _first_application(project: Project, found: Found) -> None:
    found.answers["bootstrap"] = project.invoke("bootstrap", "-a", "storefront", "--yes")
    found.plans["bootstrap"] = _plans(project)
    found.releases["first"] = _release(project)
    found.pages["first"] = _page(project)
    found.plans["first"] = _plans(project)

    greeting = project.folder / "storefront" / "greeting.txt"
    greeting.write_text("Hello from the second release\n")
    found.answers["dirty"] = project.invoke("release", "-a", "storefront", "--yes", expect=1)
    project.commit("storefront", "Second")
    since, _ = project.requests()
    with Visitor(_url(project)) as found.visitor:
        found.releases["second"] = _release(project)
    _, found.requests = project.requests(since)
    found.pages["second"] = _page(project)
    found.plans["second"] = _plans(project)

    found.releases["same commit"] = _release(project)
    found.releases["rollback"] = project.invoke("rollback", "-a", "storefront", "--yes", "--json").json()
    found.pages["rollback"] = _page(project)
    found.plans["rollback"] = _plans(project)
    found.answers["status"] = project.invoke("status", "-a", "storefront", "--json")
    found.answers["history"] = project.invoke("history", "-a", "storefront", "--json")


def _failures(project: Project, found: Found) -> None:
    """A version whose web server crashes, one that does not migrate, a Dockerfile that fails; the page afterwards."""
    file = project.folder / "storefront" / "Dockerfile"
    good = file.read_text()

    def commit(message: str, addition: str = "") -> None:
        file.write_text(good + addition)
        project.commit("storefront", message)

    commit("Crash", CRASHING)
    deadline = {"INVOKE_LONGSHORE_APPLICATIONS_STOREFRONT_ENVIRONMENTS_SANDBOX_DEADLINES_ROLLOUT": "15"}
    found.answers["crash"] = project.invoke("release", "-a", "storefront", "--yes", "--json", expect=8, **deadline)
    found.pages["crash"] = _page(project)
    found.plans["crash"] = _plans(project)
    commit("Does not migrate", NOT_MIGRATING)
    found.answers["migration"] = project.invoke("release", "-a", "storefront", "--yes", "--json", expect=7)
    found.plans["migration"] = _plans(project)
    commit("Does not build", "\nRUN echo this is the end && false\n")
    found.answers["build"] = project.invoke("release", "-a", "storefront", "--yes", expect=4)
    commit("Good again")
    found.answers["unattended"] = project.invoke("release", "-a", "storefront", expect=5)


def _second_application(project: Project, found: Found) -> None:
    project.commit("gateway", "First")
    project.invoke("bootstrap", "-a", "gateway", "--yes")
    found.releases["gateway"] = project.invoke("release", "-a", "gateway", "--yes", "--json").json()
    with urlopen(project.url("gateway-sandbox-edge"), timeout=10) as answer:
        found.pages["gateway"] = answer.read().decode()
    found.pages["storefront beside gateway"] = _page(project)


def _release(project: Project) -> dict[str, Any]:
    return dict(project.invoke("release", "-a", "storefront", "--yes", "--json").json())


def _url(project: Project) -> str:
    return project.url("storefront-sandbox-web")


def _page(project: Project) -> str:
    with urlopen(_url(project), timeout=10) as answer:
        return str(answer.read().decode())


def _plans(project: Project) -> tuple[int, int, int]:
    """Exit codes of Terraform's own plan of both stacks, and of ours; all with no tag."""
    return (
        project.terraform_plan(
            "terraform/foundation", "storefront/sandbox/foundation", "environments/foundation.tfvars"
        ),
        project.terraform_plan("terraform/app", "storefront/sandbox/terraform", "environments/sandbox.tfvars"),
        project.invoke("plan", "-a", "storefront", expect=None).code,
    )
