"""Invoke tasks: parse, call, print, exit. No logic; and nothing heavy is imported before a task runs."""

from invoke.collection import Collection

from longshore import usage
from longshore.tasks import building, changing, env, lock, looking, releasing, sandbox, setting_up, state

usage.install()
namespace = Collection(
    setting_up.bootstrap,
    building.version,
    building.build,
    building.push,
    building.plan,
    releasing.release,
    releasing.promote,
    releasing.rollback,
    changing.apply,
    changing.scale,
    changing.restart,
    looking.status,
    looking.drift,
    looking.history,
    looking.show,
    looking.doctor,
    setting_up.prune,
    setting_up.destroy,
)
namespace.add_collection(
    Collection(sandbox.up, sandbox.down, sandbox.status, sandbox.fault, sandbox.repository), name="sandbox"
)
namespace.add_collection(Collection(building.engine, building.login, building.ordered, building.exports), name="ci")
environment = Collection("env")
environment.add_task(env.import_, name="import")
namespace.add_collection(environment)
namespace.add_collection(Collection(state.unlock), name="state")
namespace.add_collection(Collection(lock.take, lock.free, lock.status), name="lock")
