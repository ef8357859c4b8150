"""What was changed by hand of a release, told from what the API server keeps beside each object."""

import datetime
from typing import Any

import pytest

from prismctl.drift import drift
from prismctl.helm import Release

FIELDS = {
    "f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}, "f:args": {}}}}},
    },
    "f:metadata": {"f:finalizers": {'v:"example.org/guard"': {}}},
}


def deployment(*, replicas: Any = 2, image: str = "web:1", args: tuple[str, ...] = ("--a",), **metadata: Any) -> Any:
    containers = [{"name": "sidecar", "image": "mesh:1"}] if metadata else []
    containers.append({"name": "web", "image": image, "args": list(args)})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", **metadata},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}},
    }


def written_by(manager: str, later: str = "", fields: Any = FIELDS) -> list[dict[str, Any]]:
    entries = [{"manager": manager, "time": "2026-11-30T10:00:00Z", "fieldsV1": fields}]
    return [*entries, {"manager": later, "time": "2026-11-30T11:00:00Z", "fieldsV1": fields}] if later else entries


def found(wanted: Any, *live: Any) -> list[str]:
    return drift(
        Release(
            name="web",
            namespace="shop",
            status="deployed",
            revision=1,
            since=datetime.datetime.now(datetime.UTC),
            description="",
            values={},
            manifest=(wanted,),
            live=live,
            good=1,
        )
    )


def test_what_was_deleted_by_hand_is_told() -> None:
    assert found(deployment()) == ["Deployment web: is not there"]
    assert found(deployment(), deployment(namespace="other")) == ["Deployment web: is not there"]


def test_an_object_without_a_namespace_is_found_where_the_cluster_has_it() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "web"}}
    assert found(role, role) == []


def test_what_somebody_changed_is_told_with_who_it_was_and_where_in_a_list() -> None:
    live = deployment(image="web:2", namespace="shop", managedFields=written_by("helm", "kubectl-edit"))
    assert found(deployment(), live) == [
        "Deployment web: spec.template.spec.containers[1].image is web:2, not web:1 (by kubectl-edit)"
    ]


@pytest.mark.parametrize("manager", ["helm", "pulumi-resource-kubernetes"])
def test_what_the_server_only_writes_in_another_way_is_no_change(manager: str) -> None:
    live = deployment(replicas="2", namespace="shop", managedFields=written_by(manager))
    assert found(deployment(), live) == []


def test_a_list_that_is_owned_as_a_whole_is_told() -> None:
    live = deployment(args=("--b",), namespace="shop", managedFields=written_by("kubectl-edit"))
    assert found(deployment(), live) == [
        "Deployment web: spec.template.spec.containers[1].args[0] is --b, not --a (by kubectl-edit)"
    ]


def test_the_contents_of_a_secret_are_never_shown() -> None:
    def secret(value: str, **metadata: Any) -> Any:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "key", **metadata},
            "data": {"password": value},
        }

    fields = {"f:data": {"f:password": {}}}
    live = secret("Zmlyc3Q=", namespace="shop", managedFields=written_by("kubectl-edit", fields=fields))
    assert found(secret("c2Vjb25k"), live) == ["Secret key: data.password was changed (by kubectl-edit)"]
