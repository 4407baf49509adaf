from __future__ import annotations

import pytest

from longshore.config.platforms import canonical
from longshore.config.settings import ImageSettings, load
from longshore.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", "linux/amd64"),
        ("amd64", "linux/amd64"),
        ("x86_64", "linux/amd64"),
        ("X86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("ARM64", "linux/arm64"),
        ("aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_a_platform_may_be_spelt_as_usual(text: str, platform: str) -> None:
    assert canonical(text) == platform
    assert ImageSettings(platform=text).platform == platform


@pytest.mark.parametrize("text", ["", "linux", "linux/", "linux amd64", "linux/amd64,linux/arm64", "riscv", "a/b/c/d"])
def test_another_text_is_refused_with_its_key(text: str) -> None:
    shop = {"region": "eu-central-1", "images": {"app": {"platform": text}}}
    with pytest.raises(ConfigError) as refused:
        load({"applications": {"shop": {**shop, "environments": {"test": {"account": "123456789012"}}}}})
    assert refused.value.message == (
        "invoke.yaml has 1 error:\n  longshore.applications.shop.images.app.platform:"
        f" {text!r} is not a platform such as linux/amd64 or linux/arm64"
    )
