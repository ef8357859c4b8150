"""Where third-party charts come from."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
import yaml
from support import record_with, recorded

from components.apps import archives
from components.apps.charts import check_charts
from recording.graph import Graph, Resource
from settings import versions

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMES = sorted(name for pin in versions.load().charts.values() for name in pin.digests)
CRDS = sorted(f"{name}-crds" for pin in versions.load().charts.values() for name in pin.crds)
REGISTRY = "oci://111122223333.dkr.ecr.us-east-1.amazonaws.com/charts"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a chart `right` that is as pinned, and another, `loose`, with definitions and no digest yet."""
    pins = yaml.safe_load(versions.FILE.read_text(encoding="utf-8"))
    pins["charts"] = {
        "both": {
            "version": "1.2.3",
            "source": "https://charts.example.org",
            # Of an empty file.
            "digests": {"right": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "loose": None},
            "crds": ["loose"],
        }
    }
    monkeypatch.setattr(versions, "load", lambda: versions.Versions.model_validate(pins))
    (tmp_path / "right-1.2.3.tgz").touch()
    put_loose(tmp_path, "kind: CustomResourceDefinition")
    return tmp_path


def put_loose(folder: Path, definition: str) -> None:
    """Put a chart with a definition in its folder `crds`, and the chart of its definitions."""
    chart = folder / "loose-1.2.3.tgz"
    with tarfile.open(chart, "w:gz") as archive:
        member = tarfile.TarInfo("loose/crds/crd.yaml")
        member.size = len(definition)
        archive.addfile(member, io.BytesIO(definition.encode()))
    made = archives.chart_of_definitions("loose", "1.2.3", archives.definitions(chart))
    (folder / "loose-crds-1.2.3.tgz").write_bytes(made)


def releases(graph: Graph) -> Iterator[Resource]:
    found = list(graph.of_type(RELEASE))
    assert found
    yield from found


def test_no_update_waits_for_a_server_of_somebody_else(stack: str) -> None:
    for release in releases(recorded(stack, known=True)):
        assert not release.get("repositoryOpts"), release.name
        # Below the program's folder: the same on every machine, or each would plan a change of its own.
        assert release["chart"].startswith("./.charts/"), release.name
        assert release["chart"].endswith(f"-{release['version']}.tgz"), release.name


def test_charts_come_from_a_registry_where_a_stack_says_so() -> None:
    ours = record_with("dev", charts=f'{{"source": "{REGISTRY}"}}')

    assert {release["chart"] for release in releases(ours)} <= {f"{REGISTRY}/{name}" for name in [*NAMES, *CRDS]}
    assert not any(release.get("repositoryOpts") for release in releases(ours))


def test_definitions_that_helm_never_upgrades_are_upgraded_before_their_chart(stack: str) -> None:
    graph = recorded(stack, known=True)

    assert CRDS
    for name in CRDS:
        each, chart = graph.named(RELEASE, name), graph.named(RELEASE, name.removesuffix("-crds"))
        assert each["version"] == chart["version"], name
        assert each.urn in graph.needs(chart), each.name
        assert chart["skipCrds"], each.name
        # Those that Helm has installed before are nobody's.
        assert each["takeOwnership"], each.name
        # Helm keeps the definitions; a release of which it keeps the record could not be made again.
        assert not each.retain_on_delete, each.name


def test_a_folder_with_every_chart_as_pinned_is_fit(folder: Path) -> None:
    check_charts("local", folder)


def test_all_charts_that_are_missing_or_changed_are_told_at_once_with_the_command(folder: Path) -> None:
    (folder / "right-1.2.3.tgz").write_bytes(b"changed")
    (folder / "loose-1.2.3.tgz").rename(folder / "loose-1.2.2.tgz")

    with pytest.raises(pulumi.RunError) as refused:
        check_charts("local", folder)

    said = str(refused.value).splitlines()
    assert said[0] == ".charts: 2 charts not as versions.yaml pins them; run: make charts"
    assert said[1].startswith("  right-1.2.3.tgz: SHA-256 is ")
    assert "must be e3b0c442" in said[1]
    assert said[2] == "  loose-1.2.3.tgz: is not there"
    assert "ai-prism:charts.source" in said[3]


def test_definitions_that_are_missing_or_those_of_another_version_are_told(folder: Path) -> None:
    theirs = folder / "loose-crds-1.2.3.tgz"
    before = theirs.read_bytes()
    put_loose(folder, "kind: CustomResourceDefinition # changed")
    theirs.write_bytes(before)
    with pytest.raises(
        pulumi.RunError, match=r"loose-crds-1\.2\.3\.tgz: has other definitions than loose-1\.2\.3\.tgz"
    ):
        check_charts("local", folder)

    theirs.unlink()
    with pytest.raises(pulumi.RunError, match=r"loose-crds-1\.2\.3\.tgz: is not there"):
        check_charts("local", folder)

    (folder / "loose-1.2.3.tgz").write_text("a page that says 404", encoding="utf-8")
    with pytest.raises(pulumi.RunError, match=r"loose-1\.2\.3\.tgz: is no archive of a chart"):
        check_charts("local", folder)


def test_the_folder_is_of_no_interest_where_charts_come_from_elsewhere(tmp_path: Path) -> None:
    check_charts(REGISTRY, tmp_path)


def test_what_installs_nothing_needs_no_charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pulumi.RunError):
        check_charts("local", tmp_path)
    monkeypatch.setenv(versions.CHARTS_UNCHECKED, "1")
    check_charts("local", tmp_path)
