"""Patches of pulumi-kubernetes: parts of objects that somebody else owns."""

from typing import Any

from policy_cases import TODAY

from policy.registry import Settings
from policy.runner import run
from policy.view import Resource, Stack, told


def found(kind: str, **inputs: Any) -> set[tuple[str, str]]:
    type_ = f"kubernetes:apps/v1:{kind}"
    metadata = {"metadata": {"name": "web", "namespace": "shop"}}
    resource = Resource(
        urn=f"urn:pulumi:prod::shop::{type_}::web", type=type_, name="web", read_inputs=lambda: {**metadata, **inputs}
    )
    report = run(Stack(name="prod", resources=(told(resource),)), Settings(environment="prod", today=TODAY))
    assert not report.unseen
    return {(finding.rule.id, finding.path) for finding in report.findings}


def container(**given: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "web", **given}]}}}


def test_what_a_patch_sets_is_judged() -> None:
    path = "spec.template.spec.containers[0].securityContext.privileged"
    assert found("DeploymentPatch", spec=container(securityContext={"privileged": True})) == {("k8s-priv", path)}


def test_what_a_patch_leaves_out_is_not_missed() -> None:
    assert found("DeploymentPatch", spec=container(env=[{"name": "LEVEL", "value": "info"}])) == set()
    assert len(found("Deployment", spec=container(env=[{"name": "LEVEL", "value": "info"}]))) > len("k8s")
