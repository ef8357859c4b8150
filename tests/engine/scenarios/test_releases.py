"""Helm releases through the real CLI, on a real API server: stopped in the middle, rolled back, changed by hand."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine.kubernetes_world import KubernetesWorld, eventually
from engine.world import Done

from components.apps import archives
from components.apps.installer import marked
from fakes.cluster.api import ApiError, NoMatchError, Object
from fakes.cluster.cluster import Cluster
from fakes.cluster.releases import record_of
from prismctl.project import ROOT
from settings import versions
from tools.build import locate

NAME, NAMESPACE = "flagger", "flagger-system"
"""A release that the program has too, so that prismctl knows it."""
DEPLOYMENT: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME, "namespace": NAMESPACE}}
NODE: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "fake"}}

CHART = {
    "Chart.yaml": "{apiVersion: v2, name: flagger, version: 1.0.0}",
    "values.yaml": "{pool: second, replicas: 1}",
    "templates/deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: flagger}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: flagger}}
  template:
    metadata: {labels: {app: flagger}}
    spec:
      nodeSelector: {pool: {{ .Values.pool }}}
      containers: [{name: flagger, image: "flagger:1", resources: {requests: {cpu: 1000m}}}]
""",
}
RUNS = {"pool": "first"}
"""Values with which the chart's pods find a node; by the chart's default they find none."""
NOWHERE = {"pool": "none"}

PROGRAM = """
k8s.helm.v3.Release(
    "flagger", name="flagger", chart="{chart}", version="1.0.0", namespace="flagger-system", create_namespace=True,
    values={values}, atomic=True, cleanup_on_fail=True, timeout={timeout}, max_history=5, opts=on_cluster,
)
"""


@pytest.fixture
def install(program: KubernetesWorld, cluster: Cluster, tmp_path: Path) -> Callable[..., None]:
    """Let the program install the chart with values, on a node of the first pool."""
    put_into_pool(cluster, "first")
    for name, text in CHART.items():
        (tmp_path / "chart" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "chart" / name).write_text(text, encoding="utf-8")

    def write(values: dict[str, Any], *, timeout: int = 60) -> None:
        program.write(PROGRAM.format(chart=tmp_path / "chart", values=marked(values), timeout=timeout))

    return write


def prismctl(program: KubernetesWorld, *arguments: str) -> Done:
    """Run a command of prismctl on the cluster."""
    assert program.cluster
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "prismctl", "release", *arguments, "--kubeconfig", str(program.cluster.kubeconfig)],
        cwd=ROOT,
        env={**os.environ, "AI_PRISM_HELM": str(locate("helm"))},
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(f"prismctl release {' '.join(arguments)}", done.returncode, done.stdout, done.stderr)


def kill_when(program: KubernetesWorld, cluster: Cluster, status: str) -> None:
    """Start an update, and kill engine and plugins once Helm has recorded `status`."""
    update = program.start("up", "--stack", program.stack, "--yes", "--skip-preview")
    eventually(lambda: status_of(cluster) == status)
    # First the plugins: they outlive an engine, and would finish their work.
    program.end_plugins()
    program.finish(update)
    program.run("cancel", "--yes", "--stack", program.stack).must()


def status_of(cluster: Cluster) -> str:
    found = record_of(cluster.api, NAMESPACE, NAME)
    return found["info"]["status"] if found else ""


def test_an_upgrade_that_was_killed_is_told_and_repaired_by_one_command(
    program: KubernetesWorld, cluster: Cluster, install: Callable[..., None]
):
    install(RUNS)
    program.up().must()
    install(NOWHERE)
    kill_when(program, cluster, "pending-upgrade")
    install({**RUNS, "replicas": 2})

    refused = program.up()
    assert not refused
    assert "another operation (install/upgrade/rollback) is in progress" in refused.output
    told = prismctl(program, "status", "dev", NAME)
    assert told.code == 1
    assert f"prismctl release repair dev {NAME}: rolls back to revision 1" in told.out
    unasked = prismctl(program, "repair", "dev", NAME)
    assert (unasked.code, status_of(cluster)) == (2, "pending-upgrade")

    prismctl(program, "repair", "dev", NAME, "--yes").must()
    assert "nothing to repair" in prismctl(program, "repair", "dev", NAME, "--yes").must().out

    program.up().must()
    assert cluster.api.get(DEPLOYMENT)["spec"]["replicas"] == 2
    program.up("--expect-no-changes").must()


def test_a_chart_beside_the_program_is_installed_and_upgraded_with_every_repository_out_of_reach(
    program: KubernetesWorld,
    cluster: Cluster,
    install: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY"):
        # Nobody listens there.
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    install(RUNS)
    package(tmp_path, program)
    archive = f"./{versions.CHARTS}/flagger-1.0.0.tgz"
    program.write(PROGRAM.format(chart=archive, values=marked(RUNS), timeout=60))

    assert program.steps() == {"kubernetes:helm.sh/v3:Release::flagger": "create"}
    program.up().must()
    program.up("--refresh", "--expect-no-changes").must()
    program.write(PROGRAM.format(chart=archive, values=marked({**RUNS, "replicas": 2}), timeout=60))
    program.up().must()
    assert cluster.api.get(DEPLOYMENT)["spec"]["replicas"] == 2

    (program.program / archive).unlink()
    refused = program.refused_preview()
    assert f'path "{archive}" not found' in refused


def package(folder: Path, program: KubernetesWorld) -> None:
    """Put the chart into the folder beside the program, as an archive."""
    charts = program.program / versions.CHARTS
    command = [str(locate("helm")), "package", str(folder / "chart"), "--destination", str(charts)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def test_an_installation_that_was_killed_is_told_and_repaired_by_one_command(
    program: KubernetesWorld, cluster: Cluster, install: Callable[..., None]
):
    install(NOWHERE)
    kill_when(program, cluster, "pending-install")
    program.refresh("--clear-pending-creates").must()
    install(RUNS)

    refused = program.up()
    assert not refused
    assert "cannot re-use a name that is still in use" in refused.output
    assert "pending-install" in prismctl(program, "status", "dev", NAME).out

    prismctl(program, "repair", "dev", NAME, "--yes").must()

    assert status_of(cluster) == ""
    program.up().must()
    program.up("--expect-no-changes").must()


def test_what_was_deleted_or_changed_by_hand_is_told_and_put_back(
    program: KubernetesWorld, cluster: Cluster, install: Callable[..., None]
):
    install(RUNS)
    program.up().must()
    assert "changed by hand" not in prismctl(program, "status", "dev", NAME).out
    live = cluster.api.get(DEPLOYMENT)
    live["spec"]["replicas"] = 3
    cluster.api.replace(live, "kubectl-edit", dry=False)

    # The provider compares the values alone.
    program.up("--refresh", "--expect-no-changes").must()
    told = prismctl(program, "status", "dev", NAME)
    assert told.code == 1
    assert "Deployment flagger: spec.replicas is 3, not 1 (by kubectl-edit)" in told.out
    prismctl(program, "repair", "dev", NAME, "--yes").must()
    assert cluster.api.get(DEPLOYMENT)["spec"]["replicas"] == 1

    cluster.api.delete(DEPLOYMENT, "Foreground")
    eventually(lambda: cluster.api.find(DEPLOYMENT) is None)
    program.up("--refresh", "--expect-no-changes").must()
    assert "Deployment flagger: is not there" in prismctl(program, "status", "dev", NAME).out
    prismctl(program, "repair", "dev", NAME, "--yes").must()
    assert cluster.api.find(DEPLOYMENT)
    program.up("--refresh", "--expect-no-changes").must()


STORE = yaml.safe_load("""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stores.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {kind: Store, plural: stores, singular: store, listKind: StoreList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {region: {type: string}}}}
""")
DEFINITIONS_PROGRAM = """
definitions = k8s.helm.v3.Release(
    "stores-crds", name="stores-crds", chart="./.charts/stores-crds-2.0.0.tgz", version="2.0.0", namespace="default",
    take_ownership=True, values={{}}, atomic=True, cleanup_on_fail=True, timeout=60,
    opts=on_cluster,
)
k8s.apiextensions.CustomResource(
    "east", api_version="example.org/v1", kind="Store", metadata={{"name": "east"}}, spec={spec},
    opts=pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[definitions])),
)
"""


def test_definitions_that_helm_installed_once_are_taken_over_and_upgraded_and_outlive_their_release(
    program: KubernetesWorld, cluster: Cluster
):
    """As Helm left them: applied from a chart's folder crds, belonging to no release."""
    cluster.api.apply(STORE, "helm", force=True, dry=False)
    east = {"apiVersion": "example.org/v1", "kind": "Store", "metadata": {"name": "east"}}
    newer = copy.deepcopy(STORE)
    properties = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    properties["open"] = {"type": "boolean"}
    put_definitions(program, {"stores.yaml": yaml.safe_dump(newer)})
    program.write(DEFINITIONS_PROGRAM.format(spec={"region": "us-east-1", "open": True}))

    program.up().must()

    # An unknown field would have been dropped.
    assert cluster.api.get(east)["spec"]["open"] is True
    program.up("--refresh", "--expect-no-changes").must()
    program.write("")
    program.up().must()
    assert cluster.api.find(STORE)
    # And again, as after a destroy that kept them.
    program.write(DEFINITIONS_PROGRAM.format(spec={"region": "us-east-1", "open": True}))
    program.up().must()
    program.write("")
    program.up().must()
    cluster.api.delete(cluster.api.get(STORE), "Foreground")


def put_definitions(program: KubernetesWorld, files: dict[str, str]) -> None:
    """Put the chart of definitions beside the program."""
    charts = program.program / versions.CHARTS
    charts.mkdir(exist_ok=True)
    (charts / "stores-crds-2.0.0.tgz").write_bytes(archives.chart_of_definitions("stores", "2.0.0", files))


def test_an_installation_of_definitions_that_is_taken_back_takes_none_away(program: KubernetesWorld, cluster: Cluster):
    """Helm deletes what a failed installation has taken over, and every object of the kind would go with it."""
    cluster.api.apply(STORE, "helm", force=True, dry=False)
    east = {"apiVersion": "example.org/v1", "kind": "Store", "metadata": {"name": "east"}}
    eventually(lambda: stored(cluster, east))
    refused = copy.deepcopy(STORE)
    refused["metadata"]["name"] = "shops.example.org"
    put_definitions(program, {"refused.yaml": yaml.safe_dump(refused), "stores.yaml": yaml.safe_dump(STORE)})
    program.write(DEFINITIONS_PROGRAM.partition("k8s.apiextensions")[0].format())

    done = program.up()

    assert not done
    assert "shops.example.org" in done.output
    assert cluster.api.find(east)
    cluster.api.delete(cluster.api.get(STORE), "Foreground")


def stored(cluster: Cluster, object_: Object) -> bool:
    try:
        return bool(cluster.api.apply(object_, "test", force=True, dry=False))
    except (ApiError, NoMatchError):  # not yet: the definition has just come
        return False


def put_into_pool(cluster: Cluster, pool: str) -> None:
    node = cluster.api.get(NODE)
    node["metadata"]["labels"]["pool"] = pool
    cluster.api.replace(node, "test", dry=False)
