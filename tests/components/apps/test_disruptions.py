"""Nodes can be drained, and controllers stay, whatever state the controllers are in."""

from typing import Any

import pytest
from support import STACKS, recorded

from recording.graph import Graph

RELEASE = "kubernetes:helm.sh/v3:Release"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
TWICE = ("staging", "prod")


def values(graph: Graph, name: str) -> dict[str, Any]:
    return graph.named(RELEASE, name)["values"]


def own_budgets(stack: str) -> list[dict[str, Any]]:
    return [dict(budget.inputs) for budget in recorded(stack, known=True).of_type(BUDGET)]


@pytest.mark.parametrize("stack", TWICE)
def test_a_controller_whose_pods_all_fail_holds_up_no_drain(stack: str) -> None:
    budgets = own_budgets(stack)

    assert {budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for budget in budgets} == {
        "argocd-server",
        "argocd-repo-server",
        "aws-cluster-autoscaler",
        "external-secrets",
        "external-secrets-webhook",
        "external-secrets-cert-controller",
        "flagger",
        "opentelemetry-collector",
    }
    for budget in budgets:
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        assert budget["spec"]["maxUnavailable"] == 1
    graph = recorded(stack, known=True)
    for name in ("aws-load-balancer-controller", "istio-ingressgateway", "prometheus-adapter"):
        assert values(graph, name)["podDisruptionBudget"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert values(graph, "istiod")["pdb"] == {"unhealthyPodEvictionPolicy": "AlwaysAllow"}


@pytest.mark.parametrize("stack", STACKS)
def test_no_pod_is_under_two_budgets_which_would_forbid_every_eviction(stack: str) -> None:
    graph = recorded(stack, known=True)

    assert values(graph, "cluster-autoscaler")["podDisruptionBudget"] is None
    assert graph.named(RELEASE, "cluster-autoscaler")["allowNullValues"] is True
    for name in ("argo-cd", "external-secrets", "flagger", "opentelemetry-collector"):
        assert "podDisruptionBudget" not in values(graph, name)
    assert "pdb" not in values(graph, "argo-cd")["server"]


def test_where_a_controller_runs_once_nothing_guards_it() -> None:
    assert not own_budgets("dev")
