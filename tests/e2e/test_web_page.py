"""The sandbox is closed to web pages in a real browser, and to other users of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from scripts.setup.machine import install

from longshore.sandbox import control
from longshore.sandbox.state import FILE, State

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PAGES = Path(__file__).parent / "hostile"
FOREIGN = "evil.example"
CHECKS = "LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
"""What newer browsers do against such pages; without it, the page is as free as in older ones."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    directory = tmp_path_factory.mktemp("cloud") / "sandbox"
    yield control.up(directory)
    control.down(directory)


@pytest.fixture(scope="module")
def browser() -> str:
    """Chromium, which is installed if it is missing."""
    if not shutil.which("chromium"):
        assert install("chromium"), "install chromium"
    return "chromium"


@pytest.fixture(scope="module")
def pages() -> Iterator[int]:
    """The port of a server with the hostile page."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(PAGES))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def shown(browser: str, url: str, profile: Path) -> str:
    """The text of a page after its script has ended, in a browser that lets pages reach loopback."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]
    options += ["--virtual-time-budget=20000", f"--disable-features={CHECKS}"]
    command = [
        browser,
        *options,
        f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1",
        url,
    ]
    document = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
    assert "<title>done</title>" in document, document[-2000:]
    text = re.search(r'<pre id="out">(.*?)</pre>', document, re.DOTALL)
    assert text
    return text[1]


def addresses(sandbox: State, own: str = "") -> str:
    return ",".join([sandbox.endpoint, f"http://{sandbox.registry}", sandbox.terraform_cloud, own])


@pytest.mark.parametrize("origin", ["localhost", FOREIGN])
def test_a_hostile_page_reads_and_changes_nothing(
    sandbox: State, browser: str, pages: int, tmp_path: Path, origin: str
) -> None:
    before = control.calls(sandbox)["next"]
    text = shown(browser, f"http://{origin}:{pages}/page.html#{addresses(sandbox)}", tmp_path)
    lines = text.strip().splitlines()
    assert len(lines) == 15
    assert [line for line in lines if not line.endswith((": closed", ": refused"))] == []
    assert control.calls(sandbox)["next"] == before
    status = control.fault_status(sandbox)
    assert (status.aws, status.terraform_cloud) == ([], [])


def test_a_name_that_resolves_to_loopback_is_refused(sandbox: State, browser: str, pages: int, tmp_path: Path) -> None:
    """A page whose own name resolves to loopback has the sandbox's origin, and needs no permission to read it."""
    rebound = sandbox.endpoint.replace("127.0.0.1", FOREIGN)
    text = shown(browser, f"http://{FOREIGN}:{pages}/page.html#{addresses(sandbox, rebound)}", tmp_path)
    assert "READ" not in text
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", f"--user-data-dir={tmp_path}"]
    command += [f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1", f"{rebound}/_sandbox/status"]
    document = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
    assert "The Host header must be one of" in document


ANOTHER_USER = """
import json, sys, urllib.error, urllib.request
directory, *urls = sys.argv[1:]
for path in ("state.json", "server.log", "registry/config.json", "terraform-cloud"):
    try:
        open(f"{directory}/{path}").read()
        print("READ", path)
    except (PermissionError, IsADirectoryError, FileNotFoundError) as error:
        print("closed" if isinstance(error, PermissionError) else f"{error}")
for url in urls:
    for method, path, body in (
        ("GET", "/_sandbox/status", None), ("GET", "/v2/", None), ("GET", "/v2/_catalog", None),
        ("POST", "/_sandbox/script", b'["lost"]'), ("POST", "/_sandbox/faults", b"{}"),
        ("POST", "/", b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=x&WebIdentityToken=x"
                      b"&RoleArn=arn:aws:iam::123456789012:role/x"),
        ("OPTIONS", "/?Action=AssumeRoleWithSAML", None), ("GET", "/moto-api/data.json", None),
    ):
        try:
            with urllib.request.urlopen(urllib.request.Request(url + path, body, method=method), timeout=10) as answer:
                content = answer.read()  # the root of the registry behind the proxy answers with nothing
                print(f"READ {url} {method} {path} {content}" if content else "closed")
        except urllib.error.HTTPError as error:
            print("closed" if error.code in (400, 401, 403, 404) else f"{error.code} {url} {method} {path}")
"""


def test_another_user_of_this_machine_gets_nothing(sandbox: State) -> None:
    as_another = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    upstream = json.loads((sandbox.directory / "registry" / "config.json").read_text())["http"]["prefix"]
    urls = [sandbox.endpoint, f"http://{sandbox.registry}", sandbox.terraform_cloud, *listening_beside(sandbox)]
    done = subprocess.run(
        [*as_another, "/usr/bin/python3", "-c", ANOTHER_USER, str(sandbox.directory), *urls],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    expected = 4 + 8 * len(urls) if as_another else 8 * len(urls)
    assert (done.stdout.split().count("closed"), done.stderr) == (expected, ""), done.stdout
    assert upstream.strip("/") not in done.stdout
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (sandbox.directory, sandbox.directory / FILE)}
    assert modes == {sandbox.directory.name: 0o700, FILE: 0o600}


def listening_beside(sandbox: State) -> list[str]:
    """The address of the registry behind the proxy, which its log names."""
    log = (sandbox.directory / "registry" / "registry.log").read_text()
    return [f"http://{address}" for address in set(re.findall(r"listening on (127\.0\.0\.1:\d+)", log))]


def test_the_sandbox_listens_on_loopback_only(sandbox: State) -> None:
    listing = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    own = [line.split()[3] for line in listing.splitlines() if f"pid={sandbox.pid}," in line]
    assert own
    assert [address for address in own if not address.startswith("127.0.0.1:")] == []
    assert sys.platform == "linux"
