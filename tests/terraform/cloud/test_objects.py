"""Malformed answers of Terraform Cloud: one error with the key, and no wait without end."""

from __future__ import annotations

from typing import Any

import pytest

from longshore.errors import CloudError
from longshore.terraform.cloud.objects import many, next_page, one
from longshore.terraform.cloud.run import parse_run
from tests.fakes.terraform_cloud import run


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "the answer of Terraform Cloud.data: is missing"),
        ({"data": []}, "the answer of Terraform Cloud.data: must be a mapping of keys to values, got a list"),
        ({"data": {"id": 5}}, "the answer of Terraform Cloud.data.id: must be a string, got 5 (put it in quotes)"),
        (
            {"data": {"id": "run-1", "attributes": {"auto-apply": "no"}}},
            "the answer of Terraform Cloud.data.attributes.auto-apply: Input should be a valid boolean, got 'no'",
        ),
        ({"data": {"attributes": {"status": "planned"}}}, "the answer of Terraform Cloud has no 'data.id'"),
        ({"data": {"id": "run-1"}}, "the answer of Terraform Cloud has no 'data.attributes.status'"),
    ],
)
def test_a_malformed_answer_names_its_key(document: Any, problem: str) -> None:
    with pytest.raises(CloudError) as caught:
        parse_run(one(document))
    assert caught.value.message.splitlines()[-1].strip() == problem
    assert caught.value.hint
    assert not caught.value.open


def test_a_list_is_needed() -> None:
    with pytest.raises(CloudError, match="data: must be a list"):
        many(run("planned"))


@pytest.mark.parametrize("following", [1, 2, -1, 10**9])
def test_a_list_without_an_end_is_refused(following: int) -> None:
    document = {"data": [], "meta": {"pagination": {"next-page": following}}}
    with pytest.raises(CloudError, match=f"has {following} as 'meta.pagination.next-page' of page 2"):
        next_page(document, 2)
    assert next_page({"data": []}, 2) == 0
