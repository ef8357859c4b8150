"""Every definition that a third-party chart brings is upgraded with the chart."""

import json

import pytest
from support import recorded
from third_party import brought, chart_of, needs_charts, path, releases, rendered

from components.apps import archives
from settings import versions

RELEASES = {release.name: chart_of(release) for release in releases(recorded("prod", known=True))}
WITH_A_JOB = "kube-prometheus-stack"
INSTALLED_APART = {name for pin in versions.load().charts.values() for name in pin.crds}

pytestmark = needs_charts


@pytest.mark.parametrize("name", RELEASES)
def test_definitions_that_helm_installs_only_once_are_installed_apart(name: str) -> None:
    """Helm never upgrades what is in a chart's folder `crds`; what is among the templates it does."""
    chart = RELEASES[name]
    found = set(archives.definitions(path(chart)))
    assert bool(found) == (chart in INSTALLED_APART), f"versions.yaml, crds of {chart}: {sorted(found)}"


def test_the_definitions_of_a_subchart_are_applied_by_its_job() -> None:
    objects = [each for each in rendered("prod", WITH_A_JOB) if "crds-upgrade" in json.dumps(each["metadata"])]
    [job] = [each for each in objects if each["kind"] == "Job"]
    [rule] = [rule for each in objects if each["kind"] == "ClusterRole" for rule in each["rules"]]

    assert set(rule["resourceNames"]) == {each["metadata"]["name"] for each in brought("prod", WITH_A_JOB)}
    assert "pre-upgrade" in job["metadata"]["annotations"]["helm.sh/hook"]
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["args"][:3] == ["apply", "--server-side", "--force-conflicts"]
