"""Helm releases without Helm, where objects stand in the state alone."""

from collections.abc import Callable
from typing import Any

import pytest

from components.apps.installer import marked
from fakes.cluster.refusals import RefusedError
from fakes.cluster.releases import Releases
from recording.graph import UNKNOWN

URN = "urn:pulumi:dev::ai-prism::kubernetes:helm.sh/v3:Release::shop"
INPUTS = {
    "chart": "shop",
    "name": "shop",
    "version": "1.2.3",
    "namespace": "shops",
    "repositoryOpts": {"repo": "https://charts.example.org"},
    "values": {"replicas": 2},
    "timeout": 600,
    "compat": "true",
}
RELEASES = Releases(None)


def check(**changes: Any) -> Any:
    given = {key: value for key, value in {**INPUTS, **changes}.items() if value is not None}
    return RELEASES.check("shop", {}, given, b"seed")


def test_a_sound_release_is_taken_as_it_is():
    assert check() == INPUTS


def test_what_is_not_given_is_filled_in_as_the_provider_does_it():
    checked = check(name=None, namespace=None, timeout=None)

    assert checked["name"].startswith("shop-")
    assert (checked["namespace"], checked["timeout"]) == ("default", 300)
    again = RELEASES.check("shop", checked, {**INPUTS, "name": ""}, b"other")
    assert again["name"] == checked["name"]


def test_a_path_that_leads_nowhere_is_refused_once_all_values_are_known():
    nowhere = {"chart": "./nowhere-1.2.3.tgz", "repositoryOpts": None}

    assert check(**nowhere, values={"replicas": UNKNOWN})
    with pytest.raises(RefusedError, match=r'path "./nowhere-1.2.3.tgz" not found; check the chart name'):
        check(**nowhere)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"valuez": {}}, "unknown property valuez"),
        ({"chart": None}, "missing required property chart"),
        ({"version": None}, "missing required property version"),
        ({"values": "replicas: 2"}, "values is no dict"),
        ({"atomic": "true"}, "atomic is no bool"),
        ({"timeout": "600s"}, "timeout is no number"),
        ({"repositoryOpts": {"url": "https://charts.example.org"}}, "unknown property repositoryOpts.url"),
        ({"repositoryOpts": None}, "non-absolute URLs should be in form of repo_name/path_to_chart, got: shop"),
    ],
)
def test_what_the_provider_would_not_take_is_refused(changes: dict[str, Any], words: str):
    with pytest.raises(RefusedError, match=words):
        check(**changes)


def test_other_values_are_an_update_and_another_name_is_another_release():
    _, state = RELEASES.create(URN, INPUTS, 0)

    def changes(**news: Any) -> dict[str, bool]:
        return {
            change.name: change.replace for change in RELEASES.diff(state, {**INPUTS, **news}, ("description",)).changes
        }

    assert changes() == {}
    assert changes(description="ignored") == {}
    assert changes(values={"replicas": 3}) == {"values.replicas": False}
    assert changes(version="2.0.0") == {"version": False}
    assert changes(name="other", namespace="others") == {"name": True, "namespace": True}


def test_a_release_has_an_id_and_counts_its_revisions():
    id_, state = RELEASES.create(URN, INPUTS, 0)
    updated = RELEASES.update(state, {**INPUTS, "version": "2.0.0"}, (), 0, dry=False)

    assert id_ == "shops/shop"
    assert (state["status"]["revision"], state["status"]["version"]) == (1, "1.2.3")
    assert (updated["status"]["revision"], updated["status"]["version"]) == (2, "2.0.0")
    assert RELEASES.read(id_, ("", ""), INPUTS, updated) == (INPUTS, updated)


@pytest.mark.parametrize(("mark", "changed"), [(lambda values: values, False), (marked, True)])
def test_a_removal_that_was_rolled_back_is_noticed_by_the_mark_alone(
    mark: Callable[[dict[str, Any]], dict[str, Any]], *, changed: bool
):
    # After the failure the state has the new values as inputs, and those that Helm went back to as what is there.
    before, now = mark({"replicas": 2, "pool": "first"}), mark({"replicas": 2})
    _, state = RELEASES.create(URN, {**INPUTS, "values": now}, 0)

    found = RELEASES.diff({**state, "values": before}, {**INPUTS, "values": now}, ())

    assert bool(found.changes) is changed
