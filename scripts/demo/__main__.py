"""The story of the demo. Each thing that it shows is checked; it ends with 1 if one of them does not hold."""

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
CRASHED = 3  # the exit code of a web server that can't start
ROLLED_BACK = 8


def main() -> int:
    """Tell the story and return the exit code."""
    try:
        url, first = _first_release()
        second, visitor = _second_release(url, first)
        _what_happened(url, second, visitor)
        _bad_release(url)
        _how_to_go_on(url)
    except DemoError as problem:
        say(f"\nThe demo has failed: {problem}")
        return 1
    return 0


def _chapter(title: str) -> None:
    say(f"\n--- {title} ---\n")


def _first_release() -> tuple[str, dict[str, Any]]:
    _chapter("1. A cloud on this machine")
    project.invoke("sandbox.down")
    project.invoke("sandbox.up")

    _chapter("2. The infrastructure, by Terraform")
    project.fresh_tree()
    project.invoke("bootstrap", "--yes")

    _chapter("3. The first release")
    first = project.release()
    expect(first["verdict"] == "succeeded", "the first release has succeeded")
    expect(first["version"] == "v1.0.0", "the first version is v1.0.0")
    url = next(found["url"] for found in project.sandbox()["services"] if found["service"] == "storefront-sandbox-web")
    expect("v1.0.0" in project.page(url), f"{url} shows v1.0.0")
    say(f"{url} shows v1.0.0.")
    return url, first


def _second_release(url: str, first: dict[str, Any]) -> tuple[dict[str, Any], Visitor]:
    _chapter("4. A change, and the second release while a visitor keeps asking")
    (project.TREE / "greeting.txt").write_text(f"{GREETING}\n")
    (project.TREE / "migrations" / MIGRATION).write_text('echo "2,Compass" >>/data/catalogue.csv\n')
    project.commit("Greet in the evening and sell a second product")
    with Visitor(url) as visitor:
        second = project.release()
    expect(second["verdict"] == "succeeded", "the second release has succeeded")
    expect(second["version"] == "v1.0.1", "the second version is v1.0.1")
    expect(second["commit"] != first["commit"], "the second release is of another commit")
    return second, visitor


def _what_happened(url: str, second: dict[str, Any], visitor: Visitor) -> None:
    _chapter("5. What happened")
    page = project.page(url)
    expect(GREETING in page, "the page has the new greeting")
    expect("v1.0.1" in page, "the page shows v1.0.1")
    say(f"The page at {url} now:")
    say("\n".join(f"    {line}" for line in page.splitlines()))
    _order(second)
    _visit(visitor, {"v1.0.0", "v1.0.1"})


def _order(second: dict[str, Any]) -> None:
    """Show where the migration stood: on the new revision, before the wave that needs it."""
    names = [step["name"] for step in second["steps"]]
    migration = second["migration"]
    needing = f"roll out wave {migration['before_wave']}"
    say("\nThe steps of the second release, with the migration in its place:")
    for step in second["steps"]:
        said = [line.partition(": ")[2] for line in migration["log"]] if step["name"] == "migrate" else []
        say(f"    {step['seconds']:6.1f} s  {step['name']:<18}{'; '.join(said)}".rstrip())
    expect(migration["exit_code"] == 0, "the migration ended with 0")
    expect(any(MIGRATION in line for line in migration["log"]), f"the migration applied {MIGRATION}")
    expect(
        names.index("apply") < names.index("migrate") == names.index(needing) - 1,
        "the migration ran after the new revision was registered and right before the wave that needs it",
    )


def _bad_release(url: str) -> None:
    _chapter("6. A version that crashes at its start, while the visitor keeps asking")
    program = project.TREE / "storefront"
    program.write_text(program.read_text().replace(READY, f'say "{FATAL}"; exit {CRASHED}'))
    project.commit("Ask the database for the greeting")
    with Visitor(url) as visitor:
        third = project.release(code=ROLLED_BACK)
    expect(third["verdict"] == "rolled_back", "the third release was rolled back")
    (failure,) = third["failures"]
    expect(failure["exit_codes"] == {"web": CRASHED}, "the release says with which code the container ended")
    expect(any(FATAL in line for line in failure["log"]), "the release says what the container said last")
    expect("v1.0.1" in project.page(url), "the page still shows v1.0.1")
    say(f"\nThe page at {url} still shows v1.0.1. Terraform, too, is where it was before:")
    say(project.invoke("plan"))
    _visit(visitor, {"v1.0.1"})
    say("\nThe history:")
    say(project.invoke("history"))


def _visit(visitor: Visitor, seen: set[str]) -> None:
    rate = visitor.requests / visitor.seconds
    say(f"\nThe visitor asked {visitor.requests} times in {visitor.seconds:.0f} s, {rate:.0f} a second:")
    for version, count in sorted(visitor.answers.items()):
        say(f"    {count:6} answers of {version}")
    say(f"    {len(visitor.failures):6} requests failed")
    for failure in visitor.failures[:5]:
        say(f"           {failure}")
    expect(not visitor.failures, "no request failed")
    expect(set(visitor.answers) == seen, f"the visitor saw {' and '.join(sorted(seen))}")


def _how_to_go_on(url: str) -> None:
    exports = project.invoke("sandbox.status").splitlines()
    _chapter("7. How to go on")
    say(
        f"""The sandbox is still running. In this folder:

    curl {url}
    .venv/bin/invoke status                what runs
    .venv/bin/invoke release --yes         your commit as v1.0.3
    .venv/bin/invoke rollback --yes        and back again
    docker ps                              the containers

The aws command line works on it, with these variables:
"""
    )
    say("\n".join(f"    {line}" for line in exports if line.startswith("export ")))
    say(
        """
    aws ecs list-tasks --cluster storefront-sandbox

To clean up: .venv/bin/invoke sandbox.down takes the sandbox down, make clean removes everything that was made."""
    )


if __name__ == "__main__":
    sys.exit(main())
