from __future__ import annotations

import pytest

from longshore.sandbox.codebuild.buildspec import BuildspecError, parse


def test_a_message_that_quotes_a_value_is_short_and_printable() -> None:
    buildspec = (
        'version: 0.2\nphases:\n  build:\n    on-failure: "\\e[2J' + "A" * 70_000 + '"\n    commands: ["true"]\n'
    )
    with pytest.raises(BuildspecError, match="on-failure") as refused:
        parse(buildspec)
    message = str(refused.value)
    assert (message.isprintable(), len(message)) == (True, 1000)
