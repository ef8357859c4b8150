"""Charts whose definitions the program upgrades, from earlier versions, by real Helm on a real API server."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.kubernetes_world import eventually
from support import recorded
from third_party import SKIPPED, Manifest, brought, chart_of, own, plain, releases

from components.apps import archives
from fakes.cluster.api import NoMatchError
from fakes.cluster.cluster import Cluster
from tools import charts
from tools.build import locate

STACK = "prod"
ASKED = "test"
"""Under which name the API server is asked."""
MONITORING = "kube-prometheus-stack"
"""The chart whose definitions come before all others, and which applies them by a job of its own."""
EARLIER = charts.earlier()
RELEASES = {chart_of(release): release for release in releases(recorded(STACK, known=True))}
"""By chart."""


def where(chart: charts.Chart) -> Path:
    """Return where a chart is; skips where it was not brought."""
    try:
        return charts.locate(chart)
    except charts.ChartError as error:
        pytest.skip(f"{SKIPPED}: {error}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster with the program's namespaces; nothing runs there."""
    with Cluster(tmp_path / "cluster") as cluster:
        for each in own(STACK):
            if each["kind"] == "Namespace":
                cluster.api.apply(each, ASKED, force=True, dry=False)
        yield cluster


class Helm:
    """Helm, for one release."""

    def __init__(self, server: Cluster, folder: Path, release: Any) -> None:
        self._server, self._folder, self._release = server, folder, release

    def install(self, name: str, chart: Path, *options: str, values: Any = None) -> str:
        """Install or upgrade; return what Helm says against it. Hooks are left out: nothing runs here."""
        given = self._folder / "values.json"
        given.write_text(json.dumps(values or {}), encoding="utf-8")
        namespace = ("--namespace", self._release["namespace"], "--create-namespace")
        return self._run(
            "upgrade", "--install", name, str(chart), *namespace, "--values", str(given), "--no-hooks", *options
        )

    def _run(self, *arguments: str) -> str:
        command = [str(locate("helm")), *arguments, "--kubeconfig", str(self._server.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # Helm
        return done.stderr.strip() if done.returncode else ""


@pytest.mark.parametrize("earlier", EARLIER, ids=str)
def test_a_chart_and_its_definitions_upgrade_from_an_earlier_version(
    server: Cluster, tmp_path: Path, earlier: charts.Chart
) -> None:
    chart, pinned = earlier.name, charts.pinned()[earlier.name]
    before, now, release = where(earlier), where(pinned), RELEASES[chart]
    values = plain(release["values"])
    helm = Helm(server, tmp_path, release)
    definitions = brought(STACK, release.name)
    if chart != MONITORING:
        put(server, brought(STACK, MONITORING))
    # The earlier version may not know all of the values.
    assert not helm.install(release.name, before, values=values) or helm.install(release.name, before) == ""
    stored = store(server, definitions)

    if pinned.crds:
        (tmp_path / "crds.tgz").write_bytes(archives.chart_of_definitions(chart, "1.0.0", archives.definitions(now)))
        assert helm.install(f"{release.name}-crds", tmp_path / "crds.tgz", "--take-ownership") == ""
    if chart == MONITORING:
        # As its job does, which test_definitions.py looks at.
        put(server, definitions)
    assert helm.install(release.name, now, "--skip-crds", values=values) == ""

    assert definitions
    assert [each["metadata"]["name"] for each in definitions if not same(server, each)] == []
    assert [each["metadata"]["name"] for each in stored if not server.api.find(each)] == []


def put(server: Cluster, definitions: list[Manifest]) -> None:
    for each in definitions:
        server.api.apply(each, "kubectl", force=True, dry=False)


def store(server: Cluster, definitions: list[Manifest]) -> list[Manifest]:
    """Store what the program makes of a chart's kinds, as the earlier version has them; return it."""
    # Nobody answers webhooks here.
    for kind in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
        server.api.request("DELETE", f"/apis/admissionregistration.k8s.io/v1/{kind}")
    kinds = {(each["spec"]["group"], each["spec"]["names"]["kind"]) for each in definitions}
    stored = [each for each in own(STACK) if (each["apiVersion"].partition("/")[0], each["kind"]) in kinds]
    for each in stored:
        eventually(lambda each=each: stores(server, each))
    return stored


def stores(server: Cluster, object_: Manifest) -> bool:
    try:
        server.api.apply(object_, ASKED, force=True, dry=False)
    except NoMatchError:  # not yet: the definition has just come
        return False
    return True


def same(server: Cluster, definition: Manifest) -> bool:
    """Whether a definition is there as a chart has it: to apply it once more would change nothing."""
    return server.api.apply(definition, ASKED, force=True, dry=True)["spec"] == server.api.get(definition)["spec"]
