"""ECS for the sandbox: its API on top of moto's, its scheduler, and tasks as real containers.

From the top: `api` answers calls, through `services`, `task_operations`, `deployments` and `shapes`; `orchestrator` is
the control loop, `scheduler` its pure decisions, `fleet` the state; `runtime` is the seam below which `containers` runs
tasks on Docker.
"""

from longshore.sandbox.ecs.api import Ecs
from longshore.sandbox.ecs.install import install

__all__ = ["Ecs", "install"]
