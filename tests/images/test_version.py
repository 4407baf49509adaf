from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.images import version
from longshore.images.version import Bump, Version, next_version, parse, survey

JUNK = [
    *("latest", "unreleased", "", "v", "v1", "v1.0", "v1.0.0.0", "1.0.0", "V1.0.0", " v9.0.0", "v9.0.0 ", "v9.0.0\n"),
    *("v01.0.1", "v1.00.1", "v1.0.01", "v9.0.0-01", "v9.0.0-", "v9.0.0-rc..1", "v-1.0.0", "v9.0.x", "vv9.0.0"),
    *("v9.0.0+build.7", "v9.0.0-rc.1+7", "v9.0.٣", "v9.0.²", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
    f"v{'9' * 130}.0.0",
    f"v{'9' * 5000}.0.0",
]

numbers = st.integers(min_value=0, max_value=10**12)
releases = st.builds(Version, numbers, numbers, numbers)
names = st.from_regex(
    r"(0|[1-9][0-9]{0,5}|[a-z][a-z0-9-]{0,5})(\.(0|[1-9][0-9]{0,5}|[a-z][a-z0-9-]{0,5})){0,2}", fullmatch=True
)
prereleases = st.builds(Version, numbers, numbers, numbers, names)
versions = st.one_of(releases, prereleases)
few = st.integers(min_value=0, max_value=3)
close_versions = st.builds(Version, few, few, few, st.one_of(st.none(), names))
unhurried = settings(deadline=None)  # a busy machine must not fail the test
bumps = st.sampled_from(["patch", "minor", "major"])


@pytest.mark.parametrize("tag", JUNK)
def test_junk_is_ignored_and_counted(tag: str) -> None:
    assert survey([tag, "v1.2.3", tag]) == version.Survey(Version(1, 2, 3), releases=1, prereleases=0, ignored=2)
    assert str(next_version([tag])) == "v1.0.0"


@pytest.mark.parametrize("text", JUNK)
def test_a_malformed_version_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a version") as caught:
        parse(text)
    assert "v1.4.12" in caught.value.hint


@pytest.mark.parametrize("text", ["v0.0.0", "v1.4.12", "v2.0.0-rc.1", f"v{'9' * 120}.0.0", "v1.0.3-dirty.1700000000"])
def test_a_version_round_trips(text: str) -> None:
    assert str(parse(text)) == text


def test_the_first_version() -> None:
    assert str(next_version([])) == "v1.0.0"
    assert str(next_version(["latest"], "major")) == "v1.0.0"


@pytest.mark.parametrize(("bump", "expected"), [("patch", "v1.10.4"), ("minor", "v1.11.0"), ("major", "v2.0.0")])
def test_the_highest_version_is_incremented_numerically(bump: Bump, expected: str) -> None:
    assert str(next_version(["v1.9.9", "v1.10.3", "v1.10.2", "v0.99.99"], bump)) == expected


def test_a_huge_number_is_incremented_exactly() -> None:
    assert str(next_version([f"v1.0.{2**64}", f"v1.0.{2**64 - 1}"])) == f"v1.0.{2**64 + 1}"


def test_a_prerelease_is_never_the_base() -> None:
    tags = ["v2.0.0-rc.1", "v1.4.2", "v1.4.3-dirty.1700000000"]
    assert str(next_version(tags)) == "v1.4.3"
    assert str(next_version(["v1.0.0-rc.1"])) == "v1.0.0"
    assert survey(tags).prereleases == 2


def test_prereleases_sort_as_semver_defines() -> None:
    # The example of precedence in semver.org's item 11.
    names = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    ordered = [*(parse(f"v1.0.0-{name}") for name in names), parse("v1.0.0")]
    assert all(lower < higher for lower, higher in pairwise(ordered))


@pytest.mark.parametrize(
    ("series", "expected"), [("v1.0", "v1.0.11"), ("v1.1", "v1.1.1"), ("v3.0", "v3.0.0"), ("v0.0", "v0.0.0")]
)
def test_a_series_increments_its_own_patch_number(series: str, expected: str) -> None:
    assert str(next_version(["v1.0.9", "v1.0.10", "v1.1.0", "v2.0.0", "v1.0.99-rc.1"], series=series)) == expected


@pytest.mark.parametrize("series", ["", "v1", "1.0", "v1.0.0", "v01.0", "v1.x", "v1.0\n", "v٣.0"])
def test_a_malformed_series_is_refused(series: str) -> None:
    with pytest.raises(UsageError, match="is not a series"):
        next_version([], series=series)


def test_a_series_cannot_be_combined_with_another_bump() -> None:
    with pytest.raises(
        UsageError, match=r"--series v1\.0 increases the patch number only and cannot be combined with --bump minor"
    ):
        next_version([], "minor", "v1.0")


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1000, 1001, 2500])
def test_the_highest_of_many_tags_is_found_in_any_order(count: int) -> None:
    tags = [f"v1.{number // 50}.{number % 50}" for number in range(count)] + JUNK
    random.Random(count).shuffle(tags)
    last = count - 1
    assert str(next_version(tags)) == (f"v1.{last // 50}.{last % 50 + 1}" if count else "v1.0.0")


@pytest.mark.scenario  # takes longer than the fast tests may
def test_memory_does_not_grow_with_the_number_of_tags() -> None:
    def tags() -> Iterator[str]:
        yield from (f"v1.0.{number}" for number in range(20_000))

    next_version(["v1.0.0"])
    tracemalloc.start()
    assert str(next_version(tags())) == "v1.0.20000"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


@unhurried
@given(close_versions, close_versions)
def test_order_is_total_and_antisymmetric(left: Version, right: Version) -> None:
    assert (left < right) + (left == right) + (left > right) == 1
    assert (left < right) == (right > left)
    assert (left == right) == (str(left) == str(right))


@unhurried
@given(close_versions, close_versions, close_versions)
def test_order_is_transitive(first: Version, second: Version, third: Version) -> None:
    low, middle, high = sorted([first, second, third])
    assert low <= middle <= high
    assert low <= high


@unhurried
@given(versions)
def test_any_version_round_trips(value: Version) -> None:
    assert parse(str(value)) == value
    assert str(parse(str(value))) == str(value)


@unhurried
@given(st.text(max_size=20))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    try:
        assert str(parse(text)) == text
    except UsageError as error:
        assert repr(text) in error.message


@unhurried
@given(st.lists(releases, min_size=1), bumps)
def test_the_next_version_is_higher_than_every_release(existing: list[Version], bump: Bump) -> None:
    assert next_version(map(str, existing), bump) > max(existing)


@unhurried
@given(st.lists(st.one_of(versions.map(str), st.sampled_from(JUNK))), st.randoms(use_true_random=False), bumps)
def test_neither_order_nor_repetition_matters(tags: list[str], chance: random.Random, bump: Bump) -> None:
    shuffled = tags * 2
    chance.shuffle(shuffled)
    assert next_version(tags, bump) == next_version(shuffled, bump)


@unhurried
@given(st.lists(close_versions), few, few)
def test_the_next_version_of_a_series_is_new_and_in_the_series(existing: list[Version], major: int, minor: int) -> None:
    following = next_version(map(str, existing), series=f"v{major}.{minor}")
    assert (following.major, following.minor, following.prerelease) == (major, minor, None)
    assert following not in existing
