"""Kubernetes manifests written by others."""

from pathlib import Path

import pytest

from policy.surfaces import errors
from policy.surfaces.errors import InputError
from policy.surfaces.manifests import read_manifests
from prismctl.graph import Source

TWO = """\
# rendered
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
"""


def test_objects_have_their_type_name_and_line(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(TWO)
    namespace, deployment = read_manifests(str(file)).resources
    assert (namespace.type, namespace.name) == ("kubernetes:core/v1:Namespace", "shop")
    assert (deployment.type, deployment.name) == ("kubernetes:apps/v1:Deployment", "shop/web")
    assert (namespace.source, deployment.source) == (Source(str(file), 2), Source(str(file), 8))
    assert deployment.number("spec.replicas") == 2


def test_a_folder_is_read_with_those_below_and_lists_are_opened(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.yaml").write_text(TWO)
    (tmp_path / "below" / "b.json").write_text(
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {}}]}'
    )
    (tmp_path / "notes.txt").write_text("not: [read")
    assert [each.type.rpartition(":")[2] for each in read_manifests(str(tmp_path)).resources] == [
        "Namespace",
        "Deployment",
        "Service",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", r"all\.yaml:2:1: not valid YAML"),
        ("kind: {{ .Values.kind }}", "is it a template"),
        ("just text", r"all\.yaml:1: is no Kubernetes object"),
        ("replicaCount: 2", r"all\.yaml:1: is no Kubernetes object"),
        ("apiVersion: v1\nkind: [Service]", "is no Kubernetes object"),
        ("apiVersion: v1\nkind: Service\nmetadata: nothing", "metadata is no object"),
        ("apiVersion: v1\nkind: List\nitems: [5]", "is no Kubernetes object"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: !!python/name:os.system x}", "not valid YAML"),
        ("apiVersion: v1\nkind: Service\nday: 2026-13-45", "not valid YAML"),
        ("[" * 50_000, "nested too deeply|not valid YAML"),
    ],
)
def test_what_is_no_manifest_is_told_as_such(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        read_manifests(str(file))


def test_bytes_that_are_no_text_are_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_bytes(b"\xff\xfe\x00bad: \x80")
    with pytest.raises(InputError, match="not valid YAML"):
        read_manifests(str(file))


def test_what_is_well_formed_but_nested_too_deeply_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(f"apiVersion: v1\nkind: ConfigMap\ndata: {'[' * 150}{']' * 150}")
    with pytest.raises(InputError, match="nested too deeply"):
        read_manifests(str(file))


def test_a_bomb_of_aliases_is_defused(tmp_path: Path) -> None:
    levels = [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]" for level in range(1, 12)]
    file = tmp_path / "all.yaml"
    file.write_text("\n".join(["apiVersion: v1", "kind: ConfigMap", "l0: &l0 [x]", *levels]))
    with pytest.raises(InputError, match="once its aliases are followed"):
        read_manifests(str(file))


def test_more_values_than_memory_holds_are_refused_however_many_files_they_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "MOST_VALUES", 30)
    (tmp_path / "a.yaml").write_text(TWO)
    read_manifests(str(tmp_path))
    (tmp_path / "b.yaml").write_text(TWO)
    with pytest.raises(InputError, match=r"b\.yaml: too large: it holds more than 30 values"):
        read_manifests(str(tmp_path))


@pytest.mark.parametrize("text", ["", "# nothing\n---\n", "\ufeff"])
def test_manifests_that_hold_no_objects_are_a_mistake(tmp_path: Path, text: str) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match="holds no Kubernetes objects"):
        read_manifests(str(file))


def test_an_alias_to_itself_is_defused(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\ndata: &data {more: *data}")
    with pytest.raises(InputError, match="once its aliases are followed"):
        read_manifests(str(file))


def test_a_folder_without_manifests_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no manifests"):
        read_manifests(str(tmp_path))
