"""Invoke tasks: parse, call, print, exit. They have no logic, and import nothing heavy before a task runs."""

from invoke.collection import Collection

from longshore.tasks import (
    changes,
    ci,
    config_files,
    env,
    images,
    inspection,
    interpreter,
    invoke_options,
    lock,
    parser,
    releases,
    sandbox,
    setup,
    state,
)
from longshore.terminal import safe_output

safe_output.prepare()
interpreter.install()
parser.install()
config_files.install()
invoke_options.install()
namespace = Collection(
    setup.bootstrap,
    images.version,
    images.build,
    images.push,
    images.plan,
    releases.release,
    releases.promote,
    releases.rollback,
    changes.apply,
    changes.scale,
    changes.restart,
    inspection.status,
    inspection.drift,
    inspection.history,
    inspection.show,
    inspection.doctor,
    setup.prune,
    setup.destroy,
)
namespace.add_task(releases.continue_, name="continue")
namespace.add_collection(
    Collection(sandbox.up, sandbox.down, sandbox.status, sandbox.fault, sandbox.repository), name="sandbox"
)
namespace.add_collection(Collection(ci.engine, ci.login, ci.ordered, ci.exports), name="ci")
environment = Collection("env")
environment.add_task(env.import_, name="import")
namespace.add_collection(environment)
namespace.add_collection(Collection(state.unlock), name="state")
namespace.add_collection(Collection(lock.take, lock.free, lock.status), name="lock")
