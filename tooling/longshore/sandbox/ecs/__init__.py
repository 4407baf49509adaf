"""ECS for the sandbox: its API on top of moto's, its scheduler, and tasks as real containers.

`responses` answers calls by means of `services`, `task_operations`, `deployments` and `shapes`. `orchestrator` is the
control loop, `scheduler` makes its decisions without side effects, `fleet` is the state, and a `runtime` runs the
tasks: `docker_runtime`, or `scripted_runtime` in tests.
"""

from longshore.sandbox.ecs.api import Ecs
from longshore.sandbox.ecs.install import install

__all__ = ["Ecs", "install"]
