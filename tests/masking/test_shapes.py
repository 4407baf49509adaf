from __future__ import annotations

import pytest

from longshore.masking import MASK, Masks

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
# Composed here, so that no scanner of secrets takes this file for a leak.
TOKENS = {
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "AWS, temporary": "ASIA" + "IOSFODNN7EXAMPLE",
    "GitHub": "ghp" + "_" + LETTERS[:36],
    "GitHub, of an app": "ghs" + "_" + LETTERS[:36],
    "GitHub, fine-grained": "github" + "_pat_" + LETTERS[:30],
    "GitLab": "glpat" + "-" + LETTERS[:20],
    "Slack": "xoxb" + "-123456789012-" + LETTERS[:24],
    "Stripe": "sk" + "_live_" + LETTERS[:24],
    "Stripe, restricted": "rk" + "_test_" + LETTERS[:24],
    "Stripe, webhook": "whsec" + "_" + LETTERS[:32],
    "Google": "AIza" + LETTERS[:35],
    "npm": "npm" + "_" + LETTERS[:36],
    "PyPI": "pypi" + "-" + LETTERS * 2,
    "Docker Hub": "dckr" + "_pat_" + LETTERS[:27],
    "SendGrid": "SG" + "." + LETTERS[:22] + "." + LETTERS,
    "Vault": "hvs" + "." + LETTERS[:24],
    "Terraform Cloud": LETTERS[:14] + ".atlasv1." + LETTERS * 2,
    "JSON Web Token": "eyJ" + LETTERS[:20] + ".eyJ" + LETTERS[:20] + "." + LETTERS,
}


@pytest.mark.parametrize("issuer", TOKENS)
def test_a_token_is_known_by_its_shape(issuer: str) -> None:
    assert Masks().mask(f"clone failed: ({TOKENS[issuer]}) next") == f"clone failed: ({MASK}) next"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://shop:canary@db/shop", f"postgres://{MASK}@db/shop"),
        ("redis://:canary@cache:6379/0", f"redis://{MASK}@cache:6379/0"),
        ("postgres://shop:c@n@ry@db/shop", f"postgres://{MASK}@db/shop"),
        ("postgres://shop:can/ary@db/shop", f"postgres://{MASK}@db/shop"),
        ("mysql://root:c@na/ry:can@db/x", f"mysql://{MASK}@db/x"),
        ("mysql://root:c@na/ry@db/x,redis://u:canary@db2", f"mysql://{MASK}@db/x,redis://{MASK}@db2"),
        ("postgres://shop:canary@db/x?mail=a@b", f"postgres://{MASK}@db/x?mail=a@b"),
        ("https://shop:canary@git.example/@shop/x", f"https://{MASK}@git.example/@shop/x"),
        ("docker://shop:v1@sha256:0123456789ab", "docker://shop:v1@sha256:0123456789ab"),
        ("docker-image://a/b:v1@sha256:0123456789ab", "docker-image://a/b:v1@sha256:0123456789ab"),
        (
            "docker://shop:canary@registry/a:v1@sha256:0123456789ab",
            f"docker://{MASK}@registry/a:v1@sha256:0123456789ab",
        ),
        (
            "POST https://hooks.slack.com/services/T01/B02/canary 404",
            f"POST https://hooks.slack.com/services/{MASK} 404",
        ),
        (r'"https:\/\/hooks.slack.com\/services\/T01\/B02\/canary"', rf'"https:\/\/hooks.slack.com\/services\/{MASK}"'),
        ("https://discord.com/api/webhooks/12/canary?wait=1", f"https://discord.com/api/webhooks/{MASK}?wait=1"),
        ("https://b/k?X-Amz-Signature=0f1e&x=1", f"https://b/k?X-Amz-Signature={MASK}&x=1"),
        ("?X-Amz-Security-Token=IQo%2Fcanary%3D&X-Amz-Date=1", f"?X-Amz-Security-Token={MASK}&X-Amz-Date=1"),
        ("u=%3FX-Amz-Signature%3D0f1e%26x%3D1", f"u=%3FX-Amz-Signature%3D{MASK}%26x%3D1"),
        ("pk" + "_live_" + LETTERS[:24], "pk" + "_live_" + LETTERS[:24]),
        ("https://canary-token@git.example/shop.git", f"https://{MASK}@git.example/shop.git"),
        ("http://shop.example:8080/mail?to=ann@example.com", "http://shop.example:8080/mail?to=ann@example.com"),
        ("ssh://git@git.example/shop.git", "ssh://git@git.example/shop.git"),
        ("http://127.0.0.1:8080/health", "http://127.0.0.1:8080/health"),
        ("Proxy-Authorization: Basic Y2FuYXJ5", f"Proxy-Authorization: {MASK}"),
        ('{"Authorization"=>"Token canary"}', f'{{"Authorization"=>"{MASK}"}}'),
        ("curl: Bearer abcdefghij0123456789 was refused", f"curl: Bearer {MASK} was refused"),
        ("the bearer of this ticket", "the bearer of this ticket"),
    ],
)
def test_urls_and_headers(text: str, masked: str) -> None:
    assert Masks().mask(text) == masked


BODY = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"]
KEY = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *BODY, "-----END RSA PRIVATE KEY-----"])


@pytest.mark.parametrize("key", [KEY, KEY.replace("\n", "\\n"), KEY.replace("\n", "\\\\n"), KEY.replace("\n", " ")])
def test_a_private_key_is_masked_as_a_whole(key: str) -> None:
    assert Masks().mask(f"key: '{key}' end") == f"key: '{MASK}' end"


def test_a_private_key_without_its_end_is_masked_as_far_as_it_goes() -> None:
    key = KEY.partition("-----END")[0]
    assert Masks().mask(f"{key}and then it failed") == f"{MASK}\nand then it failed"
