"""Rights in the application's namespace, for a controller of another one."""

import functools

import pulumi
from alone_in_cluster import NAMESPACE, in_cluster, namespace, waits_for

from components.apps.installer import Installer
from components.apps.rights import WATCH, grant
from recording.graph import Graph

RBAC = "kubernetes:rbac.authorization.k8s.io/v1"


@functools.cache
def granted(name: str = "") -> Graph:
    def make(installer: Installer, _: pulumi.Resource, opts: pulumi.ResourceOptions) -> None:
        parent = pulumi.ComponentResource("test:index:App", "app", None, opts)
        grant("reader", "monitoring", [("", ["configmaps"], WATCH)], installer=installer, parent=parent, name=name)

    return in_cluster(make)


def test_a_controller_may_do_what_is_listed_in_the_applications_namespace_alone() -> None:
    role = granted().named(f"{RBAC}:Role", "reader")
    binding = granted().named(f"{RBAC}:RoleBinding", "reader")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    for each in (role, binding):
        assert each["metadata"] == {"name": "reader", "namespace": "ai-prism"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "reader", "namespace": "monitoring"}]
    assert not granted().of_type(f"{RBAC}:ClusterRole", f"{RBAC}:ClusterRoleBinding")


def test_rights_go_with_the_applications_namespace_and_wait_for_what_all_apps_wait_for() -> None:
    spaces = {each.urn for each in granted().of_type(NAMESPACE)}
    for each in granted().of_type(f"{RBAC}:Role", f"{RBAC}:RoleBinding"):
        assert each.deleted_with == namespace(granted(), "ai-prism")
        assert spaces <= set(each.dependencies)
    assert waits_for(granted(), granted().named(f"{RBAC}:Role", "reader")) == {"earlier"}
    assert waits_for(granted(), granted().named(f"{RBAC}:RoleBinding", "reader")) == {"earlier", "reader"}


def test_two_grants_to_one_account_have_names_of_their_own() -> None:
    role = granted("other").named(f"{RBAC}:Role", "other")
    binding = granted("other").named(f"{RBAC}:RoleBinding", "other")
    assert role["metadata"]["name"] == binding["metadata"]["name"] == binding["roleRef"]["name"] == "other"
    assert binding["subjects"][0]["name"] == "reader"
