"""The chapters of the demo. It checks everything it shows, and ends with 1 if a check fails."""

from __future__ import annotations

import sys
from typing import Any

from scripts.demo import project
from scripts.demo.project import DemoError, expect, say
from scripts.demo.visitor import Visitor

GREETING = "Good evening from the second release!"
MIGRATION = "0003-second-product"
READY = 'say "listening on port 8080"'
FATAL = "FATAL: DATABASE_URL is not set"
CRASHED = 3  # the exit code of a web server that cannot start
ROLLED_BACK = 8


def main() -> int:
    """Play all chapters and return the exit code."""
    try:
        url, first = _first_release()
        second, visitor = _second_release(url, first)
        _second_result(url, second, visitor)
        _bad_release(url)
        _next_steps(url)
    except DemoError as problem:
        say(f"\nThe demo failed: {problem}")
        return 1
    return 0


def _chapter(title: str) -> None:
    say(f"\n--- {title} ---\n")


def _first_release() -> tuple[str, dict[str, Any]]:
    _chapter("1. A cloud on this machine")
    project.invoke("sandbox.down")
    project.invoke("sandbox.up")

    _chapter("2. The infrastructure, created by Terraform")
    project.fresh_tree()
    project.invoke("bootstrap", "--yes")

    _chapter("3. The first release")
    first = project.release()
    expect(first["verdict"] == "succeeded", "the first release succeeded")
    expect(first["version"] == "v1.0.0", "the first version is v1.0.0")
    services = project.sandbox()["services"]
    url = next(service["url"] for service in services if service["service"] == "storefront-sandbox-web")
    expect("v1.0.0" in project.page(url), f"{url} shows v1.0.0")
    say(f"{url} shows v1.0.0.")
    return url, first


def _second_release(url: str, first: dict[str, Any]) -> tuple[dict[str, Any], Visitor]:
    _chapter("4. The second release, while a visitor sends requests")
    (project.TREE / "greeting.txt").write_text(f"{GREETING}\n")
    (project.TREE / "migrations" / MIGRATION).write_text('echo "2,Compass" >>/data/catalogue.csv\n')
    project.commit("Greet in the evening and sell a second product")
    with Visitor(url) as visitor:
        second = project.release()
    expect(second["verdict"] == "succeeded", "the second release succeeded")
    expect(second["version"] == "v1.0.1", "the second version is v1.0.1")
    expect(second["commit"] != first["commit"], "the second release has a different commit")
    return second, visitor


def _second_result(url: str, second: dict[str, Any], visitor: Visitor) -> None:
    _chapter("5. The result of the second release")
    page = project.page(url)
    expect(GREETING in page, "the page has the new greeting")
    expect("v1.0.1" in page, "the page shows v1.0.1")
    say(f"The page at {url} is now:")
    say("\n".join(f"    {line}" for line in page.splitlines()))
    _show_steps(second)
    _show_visit(visitor, {"v1.0.0", "v1.0.1"})


def _show_steps(second: dict[str, Any]) -> None:
    """Show when the migration ran: on the new revision, before the wave that needs it."""
    names = [step["name"] for step in second["steps"]]
    migration = second["migration"]
    wave = f"roll out wave {migration['before_wave']}"
    say("\nThe steps of the second release, with the output of the migration:")
    for step in second["steps"]:
        output = [line.partition(": ")[2] for line in migration["log"]] if step["name"] == "migrate" else []
        say(f"    {step['seconds']:6.1f} s  {step['name']:<18}{'; '.join(output)}".rstrip())
    expect(migration["exit_code"] == 0, "the migration exited with 0")
    expect(any(MIGRATION in line for line in migration["log"]), f"the migration applied {MIGRATION}")
    expect(
        names.index("apply") < names.index("migrate") == names.index(wave) - 1,
        "the migration ran after the new revision was registered and right before the wave that needs it",
    )


def _bad_release(url: str) -> None:
    _chapter("6. A version that crashes when it starts, while the visitor sends requests")
    program = project.TREE / "storefront"
    program.write_text(program.read_text().replace(READY, f'say "{FATAL}"; exit {CRASHED}'))
    project.commit("Read the greeting from the database")
    with Visitor(url) as visitor:
        third = project.release(code=ROLLED_BACK)
    expect(third["verdict"] == "rolled_back", "the third release was rolled back")
    (failure,) = third["failures"]
    expect(failure["exit_codes"] == {"web": CRASHED}, "the release reports the exit code of the container")
    expect(any(FATAL in line for line in failure["log"]), "the release reports the last output of the container")
    expect("v1.0.1" in project.page(url), "the page still shows v1.0.1")
    say(f"\nThe page at {url} still shows v1.0.1, and Terraform has nothing to change:")
    say(project.invoke("plan"))
    _show_visit(visitor, {"v1.0.1"})
    say("\nThe history:")
    say(project.invoke("history"))


def _show_visit(visitor: Visitor, seen: set[str]) -> None:
    rate = visitor.requests / visitor.seconds
    say(f"\nThe visitor sent {visitor.requests} requests in {visitor.seconds:.0f} s, {rate:.0f} per second:")
    for version, count in sorted(visitor.answers.items()):
        say(f"    {count:6} responses from {version}")
    say(f"    {len(visitor.failures):6} requests failed")
    for failure in visitor.failures[:5]:
        say(f"           {failure}")
    expect(not visitor.failures, "no request failed")
    expect(set(visitor.answers) == seen, f"the visitor saw {' and '.join(sorted(seen))}")


def _next_steps(url: str) -> None:
    _chapter("7. Next steps")
    exports = project.invoke("sandbox.status").splitlines()
    say(
        f"""
The sandbox is still running. Try these commands in this folder:

    curl {url}
    .venv/bin/invoke status                show the running revisions
    .venv/bin/invoke release --yes         release your own commit as v1.0.3
    .venv/bin/invoke rollback --yes        roll that release back
    docker ps                              list the containers

Set these variables to use the aws command line with the sandbox:
"""
    )
    say("\n".join(f"    {line}" for line in exports if line.startswith("export ")))
    say(
        """
    aws ecs list-tasks --cluster storefront-sandbox

To clean up, run .venv/bin/invoke sandbox.down, which stops the sandbox and removes its containers,
or make clean, which also removes all files that were created in this folder."""
    )


if __name__ == "__main__":
    sys.exit(main())
