"""Versions and the ends of their support."""

import datetime

import pytest
import yaml
from pydantic import ValidationError

import versions

LAST_DAY = datetime.date(2027, 8, 2)
RELEASE = versions.Release(support_ends=LAST_DAY, source="https://example.com")
UNDATED = versions.Release(source="https://example.com")
KNOWN = versions.load()


def days_before(count):
    return LAST_DAY - datetime.timedelta(days=count)


def test_a_version_is_in_support_on_its_last_day_and_out_of_it_on_the_next():
    assert not RELEASE.ended(LAST_DAY)
    assert RELEASE.ended(days_before(-1))


@pytest.mark.parametrize(("days", "leaving"), [(91, False), (90, True), (1, True), (0, True), (-1, False)])
def test_a_version_is_leaving_for_ninety_days_and_not_once_it_has_left(days, leaving):
    assert RELEASE.leaving(days_before(days)) is leaving


def test_a_version_without_a_date_neither_leaves_nor_ends():
    assert not UNDATED.ended(datetime.date.max)
    assert not UNDATED.leaving(datetime.date.max)


def test_addons_are_chosen_for_the_clusters_version():
    chosen = KNOWN.addons_for("1.36")
    assert chosen["coredns"] == "v1.14.3-eksbuild.3"
    assert chosen["kube-proxy"] == "v1.36.0-eksbuild.14"
    assert chosen["metrics-server"] is None


def test_a_cluster_version_without_builds_leaves_every_addon_to_the_service():
    assert set(KNOWN.addons_for("1.99")) == set(KNOWN.addons)
    assert set(KNOWN.addons_for("1.99").values()) == {None}


@pytest.mark.parametrize("addon", [name for name, pins in KNOWN.addons.items() if pins.versions])
def test_a_pinned_addon_has_a_build_for_every_kubernetes_version(addon):
    assert set(KNOWN.addons[addon].versions) == set(KNOWN.kubernetes)


@pytest.mark.parametrize("kind", ["kubernetes", "aurora_postgresql", "valkey", "addons", "node_images", "charts"])
def test_every_version_names_its_source(kind):
    records = getattr(KNOWN, kind)
    assert records
    assert [name for name, record in records.items() if not record.source.startswith("https://")] == []


def test_every_kubernetes_version_has_an_end_of_support():
    assert [name for name, release in KNOWN.kubernetes.items() if release.support_ends is None] == []


def test_the_file_is_read_once():
    assert versions.load() is KNOWN


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a versions file around one Kubernetes entry."""

    def write_file(kubernetes):
        file = tmp_path / "versions.yaml"
        rest = "".join(f"{kind}: {{}}\n" for kind in ("aurora_postgresql", "valkey", "addons", "node_images", "charts"))
        file.write_text(f"checked: 2026-11-23\nkubernetes:\n  {kubernetes}\n{rest}", encoding="utf-8")
        return file

    return write_file


def test_a_file_with_the_right_shape_is_read(write):
    known = versions.load(write('"1.36": {source: "https://example.com", support_ends: 2027-08-02}'))
    assert known.kubernetes["1.36"].support_ends == LAST_DAY


def test_a_version_without_quotes_is_refused_because_it_would_lose_its_last_zero(write):
    with pytest.raises(ValidationError, match=r"kubernetes\.`1\.3`"):
        versions.load(write('1.30: {source: "https://example.com"}'))


def test_a_version_twice_is_refused(write):
    with pytest.raises(yaml.MarkedYAMLError, match=r"key 1\.36 twice"):
        versions.load(write('"1.36": {source: "https://a.example"}\n  "1.36": {source: "https://b.example"}'))


def test_a_misspelt_key_is_refused(write):
    with pytest.raises(ValidationError, match="support_end"):
        versions.load(write('"1.36": {source: "https://example.com", support_end: 2027-08-02}'))


def test_a_version_without_a_source_is_refused(write):
    with pytest.raises(ValidationError, match="source"):
        versions.load(write('"1.36": {support_ends: 2027-08-02}'))
