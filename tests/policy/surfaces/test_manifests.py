"""Kubernetes manifests written by others."""

import datetime
from pathlib import Path

import pytest

from policy.findings import Result
from policy.registry import Settings
from policy.runner import run
from policy.surfaces import errors
from policy.surfaces.errors import InputError
from policy.surfaces.manifests import read_manifests
from recording.graph import Source

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
    namespace, deployment = read_manifests(str(file)).stack.resources
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
    assert [each.type.rpartition(":")[2] for each in read_manifests(str(tmp_path)).stack.resources] == [
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


def test_a_folder_s_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for overlay in ("dev", "prod"):
        (tmp_path / overlay).mkdir()
        (tmp_path / overlay / "all.yaml").write_text(TWO)
    urns = [each.urn for each in read_manifests(str(tmp_path)).stack.resources]
    assert urns[::2] == [
        "urn:pulumi:manifests::dev/all.yaml::kubernetes:core/v1:Namespace::shop",
        "urn:pulumi:manifests::prod/all.yaml::kubernetes:core/v1:Namespace::shop",
    ]


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop",
    "chart/values.yaml": "replicaCount: 2",
    "chart/templates/web.yaml": "kind: {{ .Values.kind }}",
    "chart/charts/below/Chart.yaml": "apiVersion: v2\nname: below",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "skipped"),
    [
        (CHART, ["chart: is a Helm chart"]),
        ({"kustomization.yaml": "resources: [all.yaml]"}, ["kustomization.yaml: is kustomize's"]),
        ({"values-prod.yaml": "replicaCount: 2"}, ["values-prod.yaml: has values for a Helm chart"]),
        ({"patch.yaml": "- {op: remove, path: /spec/replicas}"}, ["patch.yaml: is a patch"]),
    ],
    ids=["chart", "kustomization", "values", "patch"],
)
def test_what_makes_objects_and_is_none_is_left_out_of_a_folder_and_named(
    tmp_path: Path, files: dict[str, str], skipped: list[str]
) -> None:
    write(tmp_path, {"all.yaml": TWO, **files})
    read = read_manifests(str(tmp_path))
    assert len(read.stack.resources) == 2
    assert [each.removeprefix(f"{tmp_path}/").partition(";")[0] for each in read.skipped] == skipped


def test_what_is_given_by_name_must_be_objects(tmp_path: Path) -> None:
    write(tmp_path, {"values.yaml": "replicaCount: 2"})
    with pytest.raises(InputError, match="is no Kubernetes object"):
        read_manifests(str(tmp_path / "values.yaml"))


def test_what_cannot_be_read_in_a_folder_is_named_and_hides_nothing_else(tmp_path: Path) -> None:
    files = {
        "all.yaml": TWO,
        "broken.yaml": "a: [",
        "mixed.yaml": f"{TWO}---\nservices: {{}}\n",
        "web.yaml": "replicas: 2",
    }
    write(tmp_path, files)
    read = read_manifests(str(tmp_path))
    assert len(read.stack.resources) == 4
    assert [each.removeprefix(f"{tmp_path}/") for each in read.failed] == [
        "broken.yaml:2:1: not valid YAML",
        "mixed.yaml:14: is no Kubernetes object: it has no apiVersion and kind",
        "web.yaml:1: is no Kubernetes object: it has no apiVersion and kind",
    ]


def test_a_folder_of_nothing_else_names_all_of_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "a: [", "b.yaml": "replicas: 2"})
    with pytest.raises(InputError, match=r"a\.yaml:2:1: not valid YAML\n.*b\.yaml:1: is no Kubernetes object"):
        read_manifests(str(tmp_path))


INNER = '{"apiVersion": "v1", "kind": "List", "items": [ITEM]}'
ITEM = '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"apiVersion": "v1", "kind": "List", "items": [{ITEM}, {ITEM}]}}',
        f"[{ITEM}, {ITEM}]",
        f"{ITEM}\n---\n{ITEM}",
        '{"apiVersion": "v1", "kind": "ServiceList", "items": [{"metadata": {"name": "a"}}, {"metadata": {}}]}',
        f'{{"apiVersion": "v1", "kind": "List", "items": [{INNER.replace("ITEM", ITEM)}, {ITEM}]}}',
    ],
    ids=["list", "plain list", "documents", "list of a kind", "list of lists"],
)
def test_lists_of_every_form_are_opened(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"all.json": text})
    found = read_manifests(str(tmp_path)).stack.resources
    assert [each.type for each in found] == ["kubernetes:core/v1:Service"] * 2


PRIVILEGED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers: [{name: web, securityContext: {privileged: true}}]
"""


@pytest.mark.parametrize(
    "files",
    [
        {"kustomization.yaml": "patches: [{path: more.yaml}]", "more.yaml": PRIVILEGED},
        {"kustomization.yaml": "patchesStrategicMerge:\n- more.yaml", "more.yaml": PRIVILEGED},
        {"below/kustomization.yaml": "patches:\n- {path: ../more.yaml, target: {kind: x}}", "more.yaml": PRIVILEGED},
        {"more.yaml": PRIVILEGED.replace("name: web,", "name: web, $patch: merge,")},
        {"more.yaml": PRIVILEGED},
    ],
    ids=["patches", "patchesStrategicMerge", "another folder", "directive", "no image"],
)
def test_a_patch_is_judged_for_what_it_says_and_not_for_what_it_leaves_out(
    tmp_path: Path, files: dict[str, str]
) -> None:
    write(tmp_path, {"all.yaml": TWO, **files})
    stack = read_manifests(str(tmp_path)).stack
    (patch,) = (each for each in stack.resources if each.partial)
    report = run(stack, Settings(environment="prod", today=datetime.date(2026, 11, 23)))
    about = [each for each in report.findings if each.resource is patch]
    assert [(each.rule.id, each.result) for each in about] == [("k8s-priv", Result.VIOLATED)]


def test_hidden_files_of_tools_are_left_out_of_a_folder_and_named_once(tmp_path: Path) -> None:
    files = {".github/workflows/a.yaml": "on: push", ".github/b.yaml": "a: 1", ".pre-commit.yaml": "repos: []"}
    folder = tmp_path / ".shop"
    folder.mkdir()
    write(folder, {"all.yaml": TWO, **files})
    read = read_manifests(str(folder))
    assert len(read.stack.resources) == 2
    assert [each.removeprefix(f"{folder}/").partition(":")[0] for each in read.skipped] == [
        ".github",
        ".pre-commit.yaml",
    ]
    assert read.failed == ()


def test_files_that_a_kustomization_takes_as_data_are_no_objects(tmp_path: Path) -> None:
    kustomization = "configMapGenerator: [{name: a, files: [settings.yaml, key=more.yaml]}]"
    write(tmp_path, {"all.yaml": TWO, "kustomization.yaml": kustomization, "settings.yaml": TWO, "more.yaml": TWO})
    read = read_manifests(str(tmp_path))
    assert len(read.stack.resources) == 2
    assert [each.rpartition("/")[2].partition(":")[0] for each in read.skipped] == [
        "kustomization.yaml", "more.yaml", "settings.yaml",
    ]  # fmt: skip


def test_objects_in_a_file_that_is_called_values_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"values.yaml": TWO})
    assert len(read_manifests(str(tmp_path)).stack.resources) == 2


def test_a_folder_of_nothing_but_a_chart_is_no_clean_bill(tmp_path: Path) -> None:
    write(tmp_path, CHART)
    with pytest.raises(InputError, match=r"holds no Kubernetes objects\n.*chart: is a Helm chart"):
        read_manifests(str(tmp_path))
