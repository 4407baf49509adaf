"""The lines of this file are what each program prints; the value of every secret contains ``canary``."""

from __future__ import annotations

import pytest

from longshore.masking import MASK, Masks, is_secret

V = "canary-7f3a9c!"
S = "canary with spaces 7f3a9c"
"""A value with spaces, which is masked whole where the notation shows its end."""

PRINTED = {
    "shell": f"DATABASE_PASSWORD={V} next",
    "shell, quoted": f'export DB_PWD="{S}"',
    "shell, single quotes": f"SMTP_PASS='{S}'",
    "yaml": f'password: "{S}"',
    "yaml, plain": f"password: {V}",
    "flag": f"mysql --password={V} --host db",
    "flag and word": f"mysql --password {V} --host db",
    "flag, quoted": f'curl --api-key "{S}"',
    "java option": f"java -Ddb.password={V} -jar app.jar",
    "query": f"GET /login?token={V}&user=ann",
    "query, encoded": f"next=%2Flogin%3Ftoken%3D{V}%26user%3Dann",
    "form, encoded quotes": f"%7B%22password%22%3A%22{V}%22%7D",
    "json": f'{{"user": "ann", "password": "{S}", "port": 1}}',
    "json, compact": f'{{"password":"{S}","port":1}}',
    "json in json": f'{{"log":"{{\\"password\\":\\"{S}\\"}}","time":1}}',
    "json in json in json": f'"{{\\\\\\"password\\\\\\":\\\\\\"{S}\\\\\\"}}"',
    "json with quotes": '{"password": "canary \\" 7f3a9c canary", "port": 1}',
    "json of an environment": f'"Env": ["DB_PASSWORD={S}", "PATH=/bin"]',
    "html": f"&quot;password&quot;: &quot;{S}&quot;",
    "ruby 3.3 hash": f'{{"POSTGRES_PASSWORD"=>"{S}", "RAILS_MASTER_KEY"=>"{V}", "RACK_ENV"=>"production"}}',
    "ruby 3.4 hash": f'{{"POSTGRES_PASSWORD" => "{S}", password: "{S}", "RACK_ENV" => "production"}}',
    "ruby symbols": f'{{:password=>"{S}", :port=>5432}}',
    "ruby keywords": f'connect(host: "db", password: "{S}")',
    "ruby object": f'#<Config:0x000078 @host="db", @password="{S}">',
    "ruby struct": f'#<struct Config host="db", password="{S}">',
    "ruby index": f'ENV["DB_PASSWORD"] = "{S}"',
    "rails parameters": f'Parameters: {{"user"=>{{"password"=>"{S}"}}}}',
    "rails form": f"user[password]={V}&commit=1",
    "python dict": f"{{'HOME': '/root', 'DB_PASSWORD': '{S}'}}",
    "python environ": f"environ({{'DB_PASSWORD': '{S}', 'PATH': '/bin'}})",
    "python dataclass": f"Config(host='db', password='{S}', port=5432)",
    "python quotes": 'Config(password="canary\'s 7f3a9c canary", port=5432)',
    "python bytes": f"{{'api_key': b'{S}'}}",
    "python secret": f"SecretKey(secret_key=Secret('{S}'))",
    "go %v of a map": f"map[API_TOKEN:{V} DB_PASSWORD:{S} HOST:db]",
    "go %+v of a struct": f"{{Host:db Password:{S} User:shop}}",
    "go %+v of a pointer": f"&{{Host:db User:shop Password:{S}}}",
    "go %#v": f'main.Config{{Host:"db", Password:"{S}", Port:5432}}',
    "java map": f"{{password={S}, user=shop}}",
    "java record": f"Config[host=db, password={S}]",
    "java class": f"Config(host=db, dbPassword={S}, port=5432)",
    "java optional": f'apiKey=Optional["{S}"]',
    "kotlin": f"Config(host=db, clientSecret={S})",
    "rust": f'Config {{ host: "db", password: Some("{S}") }}',
    "php": f"['db' => 'shop', 'password' => '{S}']",
    "node": f"{{ host: 'db', password: '{S}', 'api-key': '{V}' }}",
    "node, several lines": f"{{\n  HOME: '/root',\n  DB_PASSWORD: '{S}',\n  'x-api-key': '{V}'\n}}",
    "node, a long value": "{\n  token: 'canary-1\\n' +\n    'canary-2\\n' +\n    'canary-3',\n  port: 1\n}",
    "node mailer": f"{{ host: 'smtp', auth: {{ user: 'shop', pass: '{V}' }} }}",
    "list": f'credentials: ["shop", "{V}"]',
    "xml": f"<server><password>{S}</password></server>",
    "connection string": f"Server=db;Database=shop;User Id=shop;Password={V};Encrypt=true",
    "odbc": f"Driver=x;Uid=shop;Pwd={V};",
    "storage account": f"AccountName=shop;AccountKey={V};EndpointSuffix=core.windows.net",
    "dsn of libpq": f"host=db password={V} user=shop",
    "dsn of libpq, quoted": f"host=db password='{S}' user=shop",
    "sql": f"ALTER USER shop WITH PASSWORD '{S}'",
    "sql of mysql": f"CREATE USER shop IDENTIFIED BY '{S}'",
    "words": f"The API key: {V} is not valid",
    "header": f"x-api-key: {V}",
    "header of aws": f"x-amz-security-token: {V}",
    "list of headers": f"['Authorization', 'Bearer {V}']",
    "dockerfile": f"#5 [2/3] ENV DB_PASSWORD {S}",
    "dockerfile, step": f"Step 3/7 : ENV API_TOKEN {V}",
    "log": f"token: {V} user: ann",
    "message with a value": f"secret: {V} is not valid",
    "message with a quote": f"token: '{S}' is not valid",
    "headers of ruby": f'{{"Authorization"=>"Basic {V}"}}',
}


@pytest.mark.parametrize("program", PRINTED)
def test_a_value_after_its_name_is_masked_in_every_notation(program: str) -> None:
    masked = Masks().mask_untrusted(PRINTED[program])
    assert "canary" not in masked
    assert "7f3a9c" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            PRINTED["ruby 3.3 hash"],
            f'{{"POSTGRES_PASSWORD"=>"{MASK}", "RAILS_MASTER_KEY"=>"{MASK}", "RACK_ENV"=>"production"}}',
        ),
        (PRINTED["go %v of a map"], f"map[API_TOKEN:{MASK} DB_PASSWORD:{MASK} HOST:db]"),
        (PRINTED["go %+v of a struct"], f"{{Host:db Password:{MASK} User:shop}}"),
        (PRINTED["java map"], f"{{password={MASK}, user=shop}}"),
        (PRINTED["java record"], f"Config[host=db, password={MASK}]"),
        (PRINTED["python environ"], f"environ({{'DB_PASSWORD': '{MASK}', 'PATH': '/bin'}})"),
        (PRINTED["json in json"], f'{{"log":"{{\\"password\\":\\"{MASK}\\"}}","time":1}}'),
        (PRINTED["json of an environment"], f'"Env": ["DB_PASSWORD={MASK}", "PATH=/bin"]'),
        (PRINTED["connection string"], f"Server=db;Database=shop;User Id=shop;Password={MASK};Encrypt=true"),
        (PRINTED["query"], f"GET /login?token={MASK}&user=ann"),
        (PRINTED["node mailer"], f"{{ host: 'smtp', auth: {{ user: 'shop', pass: '{MASK}' }} }}"),
    ],
)  # fmt: skip
def test_the_text_around_a_value_stays(text: str, masked: str) -> None:
    assert Masks().mask_untrusted(text) == masked


ORDINARY = [
    'FATAL:  password authentication failed for user "shop"',
    "token expired",
    "the token expired at 12:00:03",
    "secret not found: ssm:/shop/staging/db_password",
    "InvalidToken: the security token included in the request is not valid",
    "ActionController::InvalidAuthenticityToken: can't verify CSRF token",
    "JWT::DecodeError: not enough or too many segments",
    "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
    "KeyError: 'user'",
    'duplicate key value violates unique constraint "users_email_key"',
    "Key (email)=(ann@example.com) already exists.",
    "PWD=/app HOME=/root",
    "PASS: test_login (3 of 4)",
    "pass: 12, fail: 0",
    "max_tokens=4096 tokenizer=/models/t",
    "PASSWORD_FILE=/run/secrets/password SECRET_ARN=shop",
    "cache_key=views/7 primary_key: id",
    "password=None token: null secret_key: '' api_key=",
    "passed 3 of 4 health checks; the keyboard is de",
    '"secrets": [ { "name": "DB_PASSWORD", "valueFrom": "ssm:/shop/db_password" } ]',
    "credentials: { user: 'ann', host: 'db' }",
    "password = (sensitive value)",
    "GET https://shop.example:8443/@home 200",
    "postgres://shop@db:5432/shop is not reachable",
    "ssh://git@github.com/shop/shop.git",
    "connection to server at 10.0.0.1, port 5432 failed",
    "secret key rotation begins",
    "at Object.token (/app/index.js:12:3)",
    "Unexpected token: } (,) in app.js:3",
    "Unexpected token: punc (,) in app.js:3",
    "Invalid token: unexpected end of input",
    "jwt: expired at 2026-01-01",
    "token: expired",
    "credentials: missing for registry.example",
    "kms_key: alias/shop",
    "s3_key: path/x",
    "secrets: ssm:/shop/prod/db_password not found",
    "secret: secretsmanager:shop/prod/DB_PASSWORD: denied",
    "encryption_key: alias/shop-prod is disabled",
    "token=/run/secrets/db_token, password: /shop/prod/DB_PASSWORD",
    "NEXT_PUBLIC_AUTH_TOKEN=abc",
    "ENV DB_PASSWORD is not set",
    "ENV NODE_ENV production",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_sentence_stays_readable(text: str) -> None:
    assert Masks().mask_untrusted(text) == text


@pytest.mark.parametrize("text", [*PRINTED.values(), *ORDINARY])
def test_masking_twice_changes_nothing(text: str) -> None:
    masked = Masks().mask_untrusted(text)
    assert Masks().mask_untrusted(masked) == masked


@pytest.mark.parametrize(
    "name",
    ["RAILS_MASTER_KEY", "SECRET_KEY_BASE", "SECRET_KEY", "PRIVATE_KEY", "SMTP_PASS", "DB_PWD", "passphrase",
     "credential", "token", "api-key", "apiKey", "accessToken", "DbPassword", "clientSecret", "SQL_CONNECTION_STRING",
     "DATABASE_DSN"],
)  # fmt: skip
def test_the_same_names_count_for_variables_and_in_text(name: str) -> None:
    assert is_secret(name)
    assert Masks().mask_untrusted(f'"{name}"=>"{V}"') == f'"{name}"=>"{MASK}"'
