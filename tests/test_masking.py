from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import LongshoreError
from longshore.ledger.releases import Ledger
from longshore.masking import MASK, Masks, NoMasks, is_secret, secrets, secrets_of_containers
from longshore.result import Failure, MigrationResult, ReleaseResult
from longshore.rollout.diagnosis import LINE_LENGTH, shortened
from longshore.tasks import views
from longshore.terminal.console import Console
from longshore.terraform import plan
from longshore.verdict import Cause, Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import result as release

CANARY = "canary-7f3a9c"
TEXTS = [
    f"the value {CANARY} itself",
    "postgres://shop:canary-7f3a9c-url@db:5432/shop",
    "Authorization: Bearer canary-7f3a9c-bearer",
    "authorization: canary-7f3a9c-plain",
]
LINES = [
    "DATABASE_PASSWORD=canary-7f3a9c-log next",
    'login {"token": "canary-7f3a9c-json", "user": "shop"}',
    "api_key: canary-7f3a9c-key",
    "--client-secret=canary-7f3a9c-flag",
]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DATABASE_PASSWORD", True),
        ("API_TOKEN", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("AWS_SESSION_TOKEN", True),
        ("TF_TOKEN_app_terraform_io", True),
        ("SENTRY_DSN", True),
        ("DB_PWD", True),
        ("DB_PASS", True),
        ("PGPASSWORD", True),
        ("apikey", True),
        ("PWD", False),
        ("KEYBOARD", False),
        ("TOKENIZER", False),
        ("PATH", False),
        ("NEXT_PUBLIC_SENTRY_DSN", False),
        ("VITE_ALGOLIA_SEARCH_KEY", False),
        ("S3_KEY", False),
        ("S3_SECRET_KEY", True),
        ("DB_PUBLIC_TOKEN", True),
    ],
)
def test_names_of_secrets_are_recognised(name: str, *, secret: bool) -> None:
    assert is_secret(name) is secret


@pytest.mark.parametrize("text", TEXTS)
def test_known_secrets_and_url_passwords_are_masked(text: str) -> None:
    assert CANARY not in Masks([CANARY]).mask(text)
    assert MASK in Masks([CANARY]).mask(text)


@pytest.mark.parametrize("text", [*TEXTS, *LINES])
def test_untrusted_text_is_masked_by_name_too(text: str) -> None:
    assert CANARY not in Masks([CANARY]).mask_untrusted(text)
    assert text == TEXTS[0] or CANARY not in Masks().mask_untrusted(text)


@pytest.mark.parametrize(
    "text",
    [
        "shop-token: deployment ecs-svc/1 failed",
        "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-secret:12",
        "The security token included in the request is expired (ExpiredTokenException)",
        "http://127.0.0.1:8080/health answered 500, not 200",
    ],
)
def test_ordinary_text_is_not_masked(text: str) -> None:
    assert Masks([CANARY]).mask(text) == text


SECRET_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:monitoring-license-key-AbCdEf"


@pytest.mark.parametrize(
    "text",
    [
        f"unable to retrieve secret from asm: secret {SECRET_ARN}: AccessDeniedException: User: "
        "arn:aws:sts::111122223333:assumed-role/shop/8637b461 is not authorized to perform: "
        f"secretsmanager:GetSecretValue on resource: {SECRET_ARN} because no identity-based policy allows it",
        f"{SECRET_ARN}:password::",
        f"{SECRET_ARN}:api_key:AWSCURRENT: is invalid",
        "not authorized on arn:aws:ssm:eu-west-1:111122223333:parameter/shop/staging/DB_PASSWORD: denied",
        "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/api_key",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rds!db-password-1a2b, and others",
        "task-definition arn:aws:ecs:eu-west-1:111122223333:task-definition/shop-token:12 stopped",
    ],
)
def test_the_name_of_a_secret_in_an_arn_stays_readable(text: str) -> None:
    assert Masks().mask_untrusted(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("secret: hunter22", "secret: (masked)"),
        ("secret:hunter22", "secret:(masked)"),
        (f"{SECRET_ARN} password=hunter22", f"{SECRET_ARN} password=(masked)"),
        (f"{SECRET_ARN}: token: hunter22", f"{SECRET_ARN}: token: (masked)"),
        (f"{SECRET_ARN}:password=hunter22", f"{SECRET_ARN}:password=(masked)"),
        (f"secret={SECRET_ARN}", f"secret={SECRET_ARN}"),
        (f"secret={SECRET_ARN} token=hunter22", f"secret={SECRET_ARN} token=(masked)"),
        ("secret=/x8fKJ2k/Qm9", "secret=(masked)"),
        ("arn:password=hunter22", "arn:password=(masked)"),
        ("arn:aws:s3:::bucket/password=hunter22", "arn:aws:s3:::bucket/password=(masked)"),
        ("arn:aws:ssm:eu-west-1:1:parameter/token=hunter22", "arn:aws:ssm:eu-west-1:1:parameter/token=(masked)"),
    ],
)
def test_a_value_beside_an_arn_is_masked(text: str, masked: str) -> None:
    assert Masks().mask_untrusted(text) == masked


def test_a_known_value_in_an_arn_is_masked() -> None:
    assert CANARY not in Masks([CANARY]).mask_untrusted(f"{SECRET_ARN}-{CANARY}")


def test_short_values_are_ignored_and_long_ones_masked_first() -> None:
    assert Masks(["true", "secret-one", "secret-one-more"]).mask("true secret-one-more") == f"true {MASK}"


@given(st.lists(st.text("abcdef", min_size=6, max_size=20), min_size=1, max_size=5))
def test_no_known_value_survives(values: list[str]) -> None:
    masked = Masks(values).mask(" ".join(values))
    assert masked.replace(MASK, "").replace(" ", "") == ""


def a_result() -> ReleaseResult:
    result = release(verdict=Verdict.ROLLED_BACK, cause=Cause.ROLLOUT)
    result.message, result.hint = TEXTS[0], TEXTS[1]
    result.warnings, result.changes = [TEXTS[2]], [TEXTS[1]]
    result.failures = [Failure(subject="web", reason=TEXTS[0], answer=LINES[1], log=LINES, events=TEXTS)]
    result.migration = MigrationResult(task="t", task_definition="d", before_wave=1, reason=LINES[0], log=LINES)
    return result


def test_ledger_and_json_document_contain_no_secret() -> None:
    table, masks = MemoryTable(), Masks([CANARY])
    ledger = Ledger(table, "test", masks)
    result = a_result()
    ledger.begin(result)
    ledger.write(result)
    with ledger.locks.held("owner", result.actor, "release") as lock:
        lock.keep(TEXTS[0])
    out = io.StringIO()
    views.result(Console(out, io.StringIO(), masks=masks), result, as_json=True)
    for text in (repr(table.written), out.getvalue()):
        assert CANARY not in text
    document = json.loads(out.getvalue())
    assert document["failures"][0]["log"][0] == f"DATABASE_PASSWORD={MASK} next"


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "-",
        "_",
        "a=",
        "://",
        ":",
        "://:",
        "token ",
        "password ",
        "authorization",
        "@",
        "arn:aws:",
        "arn:aws:s3:::x",
        "a://b:c@",
        "token: a ",
    ],
)
def test_masking_takes_linear_time(text: str) -> None:
    """With a pattern that backtracks at every character, this would take minutes."""
    line = text * (100_000 // len(text))
    assert len(Masks([CANARY]).mask_untrusted(f"{line} password={CANARY}")) >= 1000


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_the_console_shows_no_secret(stream: type[io.StringIO]) -> None:
    out, err = io.StringIO(), stream()
    console = Console(out, err, stream("y\n"), masks=Masks([CANARY]))
    with console.live():
        console.step_started("roll out")
        for text in TEXTS:
            console.detail(text)
            console.say(text)
            console.warn(text)
            console.finding("FAIL", "plan", text)
            console.result(text)
            console.error(LongshoreError(text, text))
            console.failed(LongshoreError(text))
            console.prompt.ask(text)
        console.differences(TEXTS)
        console.table([{"text": text} for text in TEXTS], "none")
        for line in LINES:
            console.log_line(line)
        for failure in a_result().failures:
            console.failure(failure)
    shown = out.getvalue() + err.getvalue()
    assert MASK in shown
    assert CANARY not in shown


def test_the_console_masks_secrets_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", CANARY)
    err = io.StringIO()
    Console(err=err).say(f"curl failed: {CANARY}")
    assert err.getvalue() == f"curl failed: {MASK}\n"


def test_output_without_masks_is_shown_as_is() -> None:
    out = io.StringIO()
    Console(out, masks=NoMasks()).result(f"export AWS_SECRET_ACCESS_KEY={CANARY}")
    assert CANARY in out.getvalue()


def test_secrets_of_containers_in_a_plan_are_found() -> None:
    def side(value: str) -> dict[str, str]:
        variables = [{"name": "API_TOKEN", "value": value}, {"name": "MODE", "value": "not secret"}]
        return {"container_definitions": json.dumps([{"name": "web", "environment": variables}])}

    kind = "aws_ecs_task_definition"
    change = {"actions": ["create"], "before": side("the old one"), "after": side("the new one")}
    changes = plan.changes({"resource_changes": [{"address": "a", "type": kind, "change": change}]})
    assert plan.secret_values(changes) == {"the old one", "the new one"}


def test_secrets_of_variables_are_found_by_name() -> None:
    assert secrets({"API_TOKEN": CANARY, "HOME": "/home/me"}) == {CANARY}


def test_secrets_of_container_definitions_are_found_by_name() -> None:
    variables = [{"name": "API_TOKEN", "value": "hidden"}, {"name": "MODE", "value": "shown"}, {"name": "DB_PASSWORD"}]
    assert secrets_of_containers([{"name": "web", "environment": variables}, {"name": "agent"}]) == {"hidden", ""}


KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n  qwertyuiop\nabc=\n-----END PRIVATE KEY-----\n"


def test_a_multi_line_value_is_masked_line_by_line() -> None:
    masks = Masks([KEY])
    assert masks.mask(f"key: {KEY}") == f"key: {MASK}"
    lines = KEY.splitlines()
    assert [masks.mask_untrusted(line) for line in lines] == [MASK, MASK, f"  {MASK}", "abc=", MASK]
    assert masks.mask(json.dumps(KEY)) == f'"{MASK}"'


@given(st.integers(min_value=LINE_LENGTH - 60, max_value=LINE_LENGTH + 10))
def test_a_log_line_is_masked_before_it_is_truncated(before: int) -> None:
    line = f"{'x' * before} {CANARY}-{'y' * 30}"
    (shown,) = shortened([line], Masks([f"{CANARY}-{'y' * 30}"]))
    assert "canar" not in shown
    assert len(shown) <= LINE_LENGTH + len("… (cut)")


def test_a_document_is_masked_at_every_depth() -> None:
    out = io.StringIO()
    document = {
        "release": "test-000001",
        "environment": "test",
        "drift": [f"FOO: (none) → {CANARY}"],
        "services": ({"key": "web", "registered_differs": (f"environment FOO: {CANARY}",), "running": 1, "url": None},),
    }
    Console(out, io.StringIO(), masks=Masks([CANARY, "test-000001", "FOO: (none)"])).document(document)
    assert json.loads(out.getvalue()) == {
        "release": "test-000001",
        "environment": "test",
        "drift": [f"{MASK} → {MASK}"],
        "services": [{"key": "web", "registered_differs": [f"environment FOO: {MASK}"], "running": 1, "url": None}],
    }


def test_the_identifiers_of_a_document_stay_whole() -> None:
    out = io.StringIO()
    document = {
        "cluster": "storefront-prod",
        "role_arn": "arn:aws:iam::1:role/storefront",
        "images": {
            "app": {"repository": "storefront/app", "tag": "v1", "digest": "sha256:1", "platforms": ["storefront"]}
        },
        "services": {
            "web": {"name": "storefront", "before": {"task_definition": "storefront:1"}, "outcome": "storefront"}
        },
        "previous_version": "storefront",
        "message": "storefront",
    }
    Console(out, io.StringIO(), masks=Masks(["storefront"])).document(document)
    assert json.loads(out.getvalue()) == {**document, "message": MASK}


@given(st.booleans())
def test_a_name_of_the_environment_is_no_secret(learned_first: bool) -> None:  # noqa: FBT001
    masks, values = Masks(), ["storefront", "storefront-prod", CANARY]
    if learned_first:
        masks.hide(values)
    masks.spare(["storefront-prod", "/storefront/prod/image_tag"])
    masks.hide(values)
    assert masks.mask(f"-a storefront in storefront-prod: {CANARY}") == f"-a storefront in storefront-prod: {MASK}"


@pytest.mark.parametrize("value", ["postgres", "Password", "production", "v1.10.3"])
def test_an_ordinary_word_is_no_secret(value: str) -> None:
    assert secrets({"DB_PASSWORD": value}) == set()
    assert Masks([value]).mask(value) == value


def test_a_password_that_is_also_a_user_database_or_host_is_no_secret() -> None:
    url = "postgres://shop-user:hunter22@shop-host:5432/shop-data?x=y"
    variables = {"PGUSER": "storefront", "PGPASSWORD": "storefront", "DATABASE_URL": url}
    same = {"A_TOKEN": "shop-user", "B_TOKEN": "shop-host", "C_TOKEN": "shop-data"}
    assert secrets({**variables, **same}) == {"hunter22"}
    entries = [{"name": "POSTGRES_DB", "value": "storefront"}, {"name": "POSTGRES_PASSWORD", "value": "storefront"}]
    assert secrets_of_containers([{"name": "db", "environment": entries}]) == set()


@pytest.mark.parametrize(
    "url",
    [f"https://{CANARY}:x-oauth-basic@git.example/a", f"https://{CANARY}@git.example/a", f"https://a:bc@host/{CANARY}"],
)
def test_a_token_in_a_web_address_is_not_a_name(url: str) -> None:
    assert CANARY in secrets({"GIT_TOKEN": CANARY, "ORIGIN": url})


def test_answers_options_targets_and_the_address_of_the_job_are_recorded_masked() -> None:
    result = a_result()
    result.answers, result.options = [f"why: {CANARY}"], {"why": CANARY, "yes": True, "names": [CANARY]}
    result.actor.ci_url = f"https://ci/?token={CANARY}"
    result.failures[0].targets = [f"Health checks failed: password={CANARY}"]
    assert CANARY not in repr(result.masked(Masks([CANARY])))
    assert result.masked(Masks([CANARY])).options["yes"] is True


def test_the_options_by_which_a_run_is_resumed_are_not_masked() -> None:
    """A password may be the key of a service."""
    options = {"services": ["worker"], "counts": ["worker=2"], "tag": "v1.0.0", "to": "v1.0.0", "on": "codebuild"}
    options |= {"allow_destroy": ["module.worker.aws_ecs_service.this"], "bump": "minor"}
    masks = Masks(["worker", "v1.0.0", "codebuild", "minor"])
    assert a_result().model_copy(update={"options": options}).masked(masks).options == options


def test_a_secret_on_two_lines_is_masked_in_the_record() -> None:
    result = a_result()
    result.failures[0].log = result.migration.log = [f"it says {CANARY[:7]}", CANARY[7:]]  # type: ignore[union-attr]
    masked = result.masked(Masks([CANARY]))
    assert masked.failures[0].log == [f"it says {MASK}", MASK]
    assert masked.migration
    assert masked.migration.log == [f"it says {MASK}", MASK]


def test_the_console_shows_no_half_of_a_secret() -> None:
    err = io.StringIO()
    console = Console(io.StringIO(), err, masks=Masks([CANARY]))
    console.log_line(f"one {CANARY[:6]}")
    console.log_line(f"{CANARY[6:]} two\n{CANARY[:9]}")
    console.log_line(CANARY[9:])
    console.program_line(f"RUN echo {CANARY[:7]}")
    console.program_line(CANARY[7:])
    console.log_line(f"ends with {CANARY[:4]}")
    console.say("done")
    assert err.getvalue() == (
        f"    | one {MASK}\n    | {MASK} two\n    | {MASK}\n    | {MASK}\n"
        f"    RUN echo {MASK}\n    {MASK}\n    | ends with cana\ndone\n"
    )


def test_a_password_in_a_url_of_a_variable_is_a_known_value() -> None:
    variables = {
        "DATABASE_URL": "postgres://shop:canary%267f@db/store",
        "REDIS_URL": "redis://:canary-redis@cache",
        "OTHER": "postgres://postgres:postgres@db/postgres",
        "HOME": "/root",
    }
    assert secrets(variables) == {"canary%267f", "canary&7f", "canary-redis"}
