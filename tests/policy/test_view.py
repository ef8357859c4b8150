"""Who refers to whom in a stack, and what belongs together."""

import datetime
import json

import pytest

from policy import types
from policy.registry import Settings
from policy.runner import run
from policy.view import Resource, Stack, told
from recording.graph import UNKNOWN, Secret

TODAY = datetime.date(2026, 11, 23)
NAMESPACE = "kubernetes:core/v1:Namespace"


def resource(type_: str, name: str, provider: str = "", needs: str = "", id_: str = "", **inputs: object) -> Resource:
    return Resource(
        urn=f"urn:pulumi:prod::shop::{type_}::{name}",
        type=type_,
        name=name,
        id=id_,
        provider_urn=f"urn:pulumi:prod::shop::pulumi:providers:{type_.partition(':')[0]}::{provider}"
        if provider
        else "",
        property_dependencies=dict.fromkeys(inputs, (needs,)) if needs else {},
        read_inputs=lambda: inputs,
    )


def kubeconfig(server: str, user: str = "admin") -> str:
    return json.dumps(
        {
            "current-context": "main",
            "contexts": [{"name": "main", "context": {"cluster": "main", "user": user}}],
            "clusters": [{"name": "main", "cluster": {"server": server}}],
        }
    )


def provider(name: str, needs: str = "", **inputs: object) -> Resource:
    return resource("pulumi:providers:kubernetes", name, "", needs, **inputs)


DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def isolated(first: Resource, second: Resource) -> set[str]:
    """Return whose namespaces lack a network policy, of two clusters of which the first alone has one."""
    metadata = {"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    spec = {"template": {"spec": {"containers": [{"name": "web"}]}}}
    stack = (
        first,
        second,
        *(resource(NAMESPACE, f"{each.name}-shop", each.name, metadata=metadata) for each in (first, second)),
        *(
            resource(types.DEPLOYMENT[0], f"{each.name}-web", each.name, spec=spec, metadata={"namespace": "shop"})
            for each in (first, second)
        ),
        resource(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", first.name,
            metadata={"name": "deny", "namespace": "shop"}, spec=DENY,
        ),
    )  # fmt: skip
    report = run(Stack(name="prod", resources=stack), Settings(environment="prod", today=TODAY))
    lacking = [each for each in report.findings if each.rule.id == "ns-netpol" and each.is_violation]
    return {finding.resource.name.partition("-")[0] for finding in lacking}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (provider("a", kubeconfig=kubeconfig("https://a")), provider("b", kubeconfig=kubeconfig("https://b"))),
        (provider("a", "urn:a", kubeconfig=UNKNOWN), provider("b", "urn:b", kubeconfig=Secret(UNKNOWN))),
        (provider("a", context="a"), provider("b", context="b")),
        (provider("a", kubeconfig=UNKNOWN), provider("b", kubeconfig=UNKNOWN)),
        (provider("a"), provider("b")),
    ],
    ids=["servers", "made of other clusters", "contexts", "unknown", "nothing said"],
)
def test_the_network_policy_of_one_cluster_protects_no_other(first: Resource, second: Resource) -> None:
    assert isolated(first, second) == {"b"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            provider("a", kubeconfig=kubeconfig("https://a")),
            provider("b", kubeconfig=kubeconfig("https://a", "x"), namespace="x"),
        ),
        (provider("a", "urn:a", kubeconfig=UNKNOWN), provider("b", "urn:a", kubeconfig=UNKNOWN, namespace="x")),
        (provider("a", namespace="x"), provider("b", enableServerSideApply="true")),
    ],
    ids=["one server", "made of one cluster", "the environment's"],
)
def test_two_providers_of_one_cluster_are_one_cluster(first: Resource, second: Resource) -> None:
    assert isolated(first, second) == set()


BUCKET, BLOCK = types.BUCKET[0], types.BUCKET_PUBLIC_ACCESS_BLOCK[0]


def test_an_id_means_the_resource_of_the_same_provider() -> None:
    """The same name may exist in two regions."""
    here, there = (resource(BUCKET, f"data-{region}", region, id_="data") for region in ("eu", "us"))
    block = resource(BLOCK, "block", "us", bucket="data")
    stack = Stack(name="prod", resources=(here, there, block))
    assert stack.targets(block, "bucket", BUCKET) == (there,)
    assert stack.referrers(there, "bucket", BLOCK) == (block,)
    assert stack.referrers(here, "bucket", BLOCK) == ()


def test_copies_of_one_resource_share_what_refers_to_it() -> None:
    first, second = (resource(BUCKET, f"data-{copy}", "eu", id_="data") for copy in (1, 2))
    block = resource(BLOCK, "block", "eu", id_="data", bucket="data")
    stack = Stack(name="prod", resources=(first, second, block))
    assert stack.referrers(first, "bucket", BLOCK) == stack.referrers(second, "bucket", BLOCK) == (block,)


def found(patch: Resource) -> list[str]:
    report = run(Stack(name="prod", resources=(told(patch),)), Settings(environment="prod", today=TODAY))
    return [each.rule.id for each in report.findings]


def test_a_patch_of_an_object_is_judged_for_what_it_says_alone() -> None:
    def deployment(**context: object) -> Resource:
        container = {"name": "web", "securityContext": context}
        spec = {"template": {"spec": {"containers": [container]}}}
        return resource("kubernetes:apps/v1:DeploymentPatch", "web", metadata={"name": "web"}, spec=spec)

    assert found(deployment(readOnlyRootFilesystem=True)) == []
    assert found(deployment(privileged=True)) == ["k8s-priv"]


def test_a_patch_stands_for_no_object_of_its_own() -> None:
    patch = told(resource("kubernetes:networking.k8s.io/v1:NetworkPolicyPatch", "deny", metadata={}, spec=DENY))
    assert Stack(name="prod", resources=(patch,)).of_type(*types.NETWORK_POLICY) == ()
