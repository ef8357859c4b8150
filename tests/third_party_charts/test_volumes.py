"""Volumes that charts ask for by themselves: they lie in one zone, and what has one runs where each zone has nodes."""

import pytest
from node_groups import pods_with_volumes, scattered
from support import STACKS, recorded
from third_party import everything, needs_charts

pytestmark = needs_charts


@pytest.mark.parametrize("stack", STACKS)
def test_what_has_a_volume_finds_it_again_after_any_node_is_replaced(stack: str) -> None:
    graph = recorded(stack, known=True)
    asking = {
        f"{manifest['kind']} {manifest['metadata']['name']}": pod
        for _, manifest in everything(stack)
        # What a StatefulSet asks for stands beside its pod, not in it.
        for _, pod in pods_with_volumes(manifest, manifest.get("spec", {}).get("template", {}).get("spec", {}))
    }

    assert {name: groups for name, pod in asking.items() if (groups := scattered(graph, pod))} == {}
    assert {name.partition(" ")[0] for name in asking} >= {"Prometheus", "Alertmanager"}
