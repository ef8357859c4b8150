"""Whatever the program and the charts make is taken by a real API server: pods, custom resources, and rights."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from chart import ENVIRONMENTS, NAMESPACE, render
from engine.kubernetes_world import eventually
from rights import Rights
from support import STACKS
from third_party import definitions, everything, needs_charts, own

from components.namespaces import APPLICATION, FLAGGER, KUBE_SYSTEM
from fakes.cluster.api import ApiError, NoMatchError, Object
from fakes.cluster.cluster import Cluster

ASKED = "test"
"""Under which name the API server is asked."""
OPERATED = ("Prometheus", "Alertmanager")
_OPERATOR_GIVES = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""What the operator gives each container of the pods that it makes.

https://github.com/prometheus-operator/prometheus-operator/blob/v0.93.1/pkg/prometheus/server/statefulset.go
"""


def of_charts(stack: str) -> Iterator[Object]:
    """Yield the objects that third-party charts make, each with its namespace, as Helm installs them."""
    for release, manifest in everything(stack):
        yield {**manifest, "metadata": {"namespace": release["namespace"], **manifest["metadata"]}}


def each_once(objects: Iterator[Object]) -> list[Object]:
    """Return objects without those that are the same in another stack."""
    return list({json.dumps(each, sort_keys=True): each for each in objects}.values())


def pod(workload: Object) -> Object | None:
    """Return a pod as the controller of a workload makes it; None of what is no workload."""
    spec = workload.get("spec") or {}
    if workload["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = _operated(spec) if workload["kind"] in OPERATED else spec.get("template")
    if not template or "containers" not in template.get("spec", {}):
        return None
    metadata = {
        **(template.get("metadata") or {}),
        "name": f"{workload['metadata']['name']}-0",
        "namespace": workload["metadata"]["namespace"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _operated(spec: Object) -> Object:
    container = {"name": "main", "image": spec["image"], "securityContext": _OPERATOR_GIVES}
    passed = ("securityContext", "nodeSelector", "serviceAccountName", "topologySpreadConstraints")
    return {"spec": {"containers": [container], **{key: spec[key] for key in passed if key in spec}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the program's namespaces and what bounds the pods in them; nothing runs there."""
    with Cluster(tmp_path_factory.mktemp("admission") / "cluster") as cluster:
        for each in own("prod"):
            if each["kind"] in ("Namespace", "LimitRange", "ResourceQuota"):
                cluster.api.apply(each, ASKED, force=True, dry=False)
            if each["kind"] == "ResourceQuota":
                # No controller counts what is used, and without a count nothing is let in.
                live = cluster.api.get(each)
                live["status"] = {"hard": live["spec"]["hard"], "used": dict.fromkeys(live["spec"]["hard"], "0")}
                cluster.api.request("PUT", f"{cluster.api.path(each)}/status", live)
        yield cluster


def refused(server: Cluster, objects: list[Object], *, as_is: bool = True) -> list[str]:
    """Return what the API server says of the pods of workloads, and of the objects `as_is`, that it does not take."""
    _give_accounts(server, [made for each in objects if (made := pod(each))])
    found: list[str] = []
    for each in objects:
        made = pod(each)
        for asked in (*([each] if as_is else ()), *([made] if made else ())):
            try:
                server.api.apply(asked, ASKED, force=True, dry=True)
            except (ApiError, NoMatchError) as error:
                found.append(f"{each['kind']} {each['metadata']['name']}: {error}")
    return found


def _give_accounts(server: Cluster, pods: list[Object]) -> None:
    """Make the service accounts of pods, without which none is let in."""
    wearers = {(each["metadata"]["namespace"], each["spec"].get("serviceAccountName") or "default") for each in pods}
    for namespace, name in sorted(wearers):
        metadata = {"name": name, "namespace": namespace}
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        server.api.apply(account, ASKED, force=True, dry=False)


def built_in(each: Object) -> bool:
    """Whether a kind is there without a chart's definition."""
    group, slash, _ = each["apiVersion"].partition("/")
    return not slash or "." not in group or group.endswith(".k8s.io")


def test_what_the_program_makes_itself_is_admitted(server: Cluster) -> None:
    assert refused(server, each_once(each for stack in STACKS for each in own(stack) if built_in(each))) == []


def test_the_applications_pods_are_admitted(server: Cluster) -> None:
    objects = each_once(each for environment in ENVIRONMENTS for each in render(environment).objects)
    objects = [{**each, "metadata": {"namespace": NAMESPACE, **each["metadata"]}} for each in objects if built_in(each)]

    assert [each for each in objects if pod(each)]
    assert refused(server, objects) == []


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"privileged": True}, 'violates PodSecurity "restricted:latest": privileged'),
        ({}, 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'),
    ],
)
def test_a_pod_that_is_not_admitted_is_told_in_the_api_servers_words(
    server: Cluster, context: Mapping[str, Any], words: str
) -> None:
    container = {"name": "shop", "image": "shop:1", "securityContext": context}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": APPLICATION},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }

    (said,) = refused(server, [deployment], as_is=False)

    assert words in said


@pytest.fixture(scope="module")
def defined(server: Cluster) -> Cluster:
    """The cluster with the definitions that the charts bring."""
    found = {name: each for stack in STACKS for name, each in definitions(stack).items()}
    for each in found.values():
        server.api.apply(each, ASKED, force=True, dry=False)
    eventually(lambda: all(_is_established(server.api.get(each)) for each in found.values()))
    return server


def _is_established(definition: Object) -> bool:
    conditions = definition.get("status", {}).get("conditions", [])
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


@needs_charts
def test_everything_that_third_party_charts_make_is_admitted(defined: Cluster) -> None:
    objects = each_once(each for stack in STACKS for each in of_charts(stack))

    assert len([each for each in objects if pod(each)]) > 20
    assert refused(defined, objects) == []


@needs_charts
def test_custom_resources_are_taken_by_the_definitions_of_the_charts(defined: Cluster) -> None:
    applications = (
        {**each, "metadata": {"namespace": NAMESPACE, **each["metadata"]}}
        for environment in ENVIRONMENTS
        for each in render(environment).objects
    )
    objects = [each for stack in STACKS for each in own(stack)] + list(applications)
    custom = each_once(each for each in objects if not built_in(each))

    assert len(custom) > 10
    assert refused(defined, custom) == []


@needs_charts
def test_service_accounts_may_do_what_the_tests_of_rights_say(server: Cluster) -> None:
    rights = Rights("prod")
    for each in rights.objects:
        server.api.apply(each, ASKED, force=True, dry=False)
    flagger = f"{FLAGGER}/flagger"
    # The API server hears of roles a moment after it has taken them.
    eventually(lambda: may(server, flagger, "list", "", "secrets", APPLICATION))

    questions = [
        (account, verb, group, resource, namespace)
        for account in sorted(rights.accounts())
        for verb in ("get", "create", "delete")
        for group, resource in (("", "secrets"), ("", "configmaps"), ("apps", "deployments"))
        for namespace in (APPLICATION, KUBE_SYSTEM)
    ]

    assert len({rights.can(*question) for question in questions}) == 2
    assert [each for each in questions if may(server, *each) != rights.can(*each)] == []


def may(server: Cluster, account: str, verb: str, group: str, resource: str, namespace: str) -> bool:
    """Whether the API server lets a service account, as `namespace/name`, do it."""
    home, _, name = account.partition("/")
    asked = {
        "user": f"system:serviceaccount:{home}:{name}",
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{home}", "system:authenticated"],
        "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "namespace": namespace},
    }
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
    answer = server.api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return answer["status"]["allowed"]
