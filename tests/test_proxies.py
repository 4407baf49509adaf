from __future__ import annotations

import pytest

from longshore.proxies import is_local, proxy_of, spelled_alike


@pytest.fixture(autouse=True)
def _none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:80", True),
        ("http://127.9.9.9/x", True),
        ("http://[::1]:80/", True),
        ("http://localhost:8080", True),
        ("https://10.0.0.1", False),
        ("https://localhost.example.com", False),
        ("not a url", False),
    ],
)
def test_a_loopback_address_is_local(url: str, local: bool) -> None:  # noqa: FBT001
    assert is_local(url) is local


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    ("value", "proxy"), [("proxy:3128", "http://proxy:3128"), ("http://a:b@p:1", "http://a:b@p:1")]
)
def test_both_spellings_are_read(monkeypatch: pytest.MonkeyPatch, name: str, value: str, proxy: str) -> None:
    monkeypatch.setenv(name, value)
    assert proxy_of("https://app.terraform.io/api") == proxy
    assert proxy_of("https://127.0.0.1:9/api") == ""
    assert proxy_of("http://app.terraform.io") == ""


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("value", ["example.com", ".example.com", "other,shop.example.com", "*"])
def test_a_host_in_no_proxy_has_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv(name, value)
    assert proxy_of("https://shop.example.com/health") == ""


def test_terraform_gets_the_spelling_that_python_prefers() -> None:
    environ = {"https_proxy": "lower", "HTTPS_PROXY": "upper", "NO_PROXY": "x", "http_proxy": ""}
    assert spelled_alike(environ) == {**environ, "HTTPS_PROXY": "lower", "HTTP_PROXY": ""}
