from __future__ import annotations

from pathlib import Path

import pytest

from longshore.config import contract as contracts
from longshore.errors import ConfigError
from longshore.run import contract_check
from tests.fakes.environments import ACCOUNT, environment
from tests.fakes.samples import release_output


def test_a_state_of_another_account_is_refused(tmp_path: Path) -> None:
    """On Terraform Cloud, the workspace has credentials that Longshore never sees."""
    contract = contracts.parse(release_output() | {"account_id": "210987654321"}, "shop", "test")
    env = environment(tmp_path, contract=lambda: contract)
    with pytest.raises(ConfigError, match=f"is of AWS account 210987654321, but test is in {ACCOUNT} by invoke.yaml"):
        contract_check.read_contract(env)
