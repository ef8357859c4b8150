"""A cluster that does not answer: nothing is forgotten, one command says why, and one way leads out if it is gone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from engine.world import World

from fakes.cluster.cluster import Cluster
from prismctl.project import ROOT
from tools.build import locate

ADVICE = "PULUMI_K8S_DELETE_UNREACHABLE"
IN_CLUSTER = "kubernetes:"


def in_cluster(world: World) -> set[str]:
    """Return the URNs of what the state has in the cluster."""
    return {each["urn"] for each in world.state()["resources"] if each["type"].startswith(IN_CLUSTER)}


def test_what_is_in_a_cluster_that_does_not_answer_stays_in_the_state_whatever_the_provider_advises(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The steps of docs/recovery.md."""
    world.account.set("address", "203.0.113.7")
    world.change_settings("cluster", public_access_cidrs=["203.0.113.7/32"])
    world.up().must()
    before = in_cluster(world)
    world.account.set("address", "198.51.100.1")
    monkeypatch.setenv(ADVICE, "true")

    refused = world.refresh()

    assert not refused
    assert ADVICE in refused.output
    assert before
    assert in_cluster(world) == before

    # It is gone for good, and the state is told.
    exported = world.folder / "before.json"
    exported.write_text(world.run("stack", "export", "--stack", world.stack).must().out, encoding="utf-8")
    change = next(
        line for line in (ROOT / "docs" / "recovery.md").read_text().splitlines() if "deleteUnreachable" in line
    )
    program = change.partition("'")[2].rpartition("'")[0]
    changed = subprocess.run(["jq", program, str(exported)], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607
    exported.write_text(changed, encoding="utf-8")
    world.run("stack", "import", "--stack", world.stack, "--file", str(exported)).must()
    world.refresh().must()
    assert in_cluster(world) == set()


def reach(kubeconfig: Path) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "prismctl", "reach", "dev", "--kubeconfig", str(kubeconfig), "--json"],
        cwd=ROOT,
        env={**os.environ, "AI_PRISM_HELM": str(locate("helm"))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)["cause"]


def test_a_real_api_server_is_reached_or_one_line_says_why_not(tmp_path: Path):
    with Cluster(tmp_path / "cluster") as cluster:
        assert reach(cluster.kubeconfig) == (0, None)
        kept = tmp_path / "kept"
        kept.write_text(cluster.kubeconfig.read_text())

        config = yaml.safe_load(cluster.kubeconfig.read_text())
        stranger = tmp_path / "stranger"
        stranger.write_text(yaml.safe_dump({**config, "users": [{**config["users"][0], "user": {"token": "none"}}]}))
        assert "refuses the caller" in reach(stranger)[1]

        # By the authorities of the machine, which have not signed for it.
        other = {"server": config["clusters"][0]["cluster"]["server"]}
        mistaken = tmp_path / "mistaken"
        mistaken.write_text(yaml.safe_dump({**config, "clusters": [{**config["clusters"][0], "cluster": other}]}))
        assert "does not match the kubeconfig" in reach(mistaken)[1]
    code, cause = reach(kept)
    assert code == 1
    assert "nothing listens" in cause
