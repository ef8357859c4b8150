"""Versions and the ends of their support."""

import datetime

import pytest

from settings import versions

LAST_DAY = datetime.date(2027, 8, 2)
RELEASE = versions.Release(support_ends=LAST_DAY, source="https://example.com")
UNDATED = versions.Release(source="https://example.com")
KNOWN = versions.load()
OTHER_KINDS = ("aurora_postgresql", "valkey", "opensearch", "addons", "node_images", "images", "charts")


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
    assert KNOWN.addons_for("1.36")["metrics-server"] == "v0.9.0-eksbuild.11"


def test_answers_reach_a_pod_that_asked_before_its_network_policies_were_there():
    # The first with version 1.2.0 of the policy agent: https://github.com/aws/aws-network-policy-agent/pull/361,
    # https://github.com/aws/amazon-vpc-cni-k8s/blob/v1.19.3/config/master/aws-k8s-cni.yaml
    first = (1, 19, 3)
    for build in KNOWN.addons["vpc-cni"].versions.values():
        assert tuple(map(int, build.removeprefix("v").partition("-")[0].split("."))) >= first


def test_a_cluster_version_without_builds_leaves_every_addon_to_the_service():
    assert set(KNOWN.addons_for("1.99")) == set(KNOWN.addons)
    assert set(KNOWN.addons_for("1.99").values()) == {None}


@pytest.mark.parametrize("addon", [name for name, pins in KNOWN.addons.items() if pins.versions])
def test_a_pinned_addon_has_a_build_for_every_kubernetes_version(addon):
    assert set(KNOWN.addons[addon].versions) == set(KNOWN.kubernetes)


@pytest.mark.parametrize("kind", ["kubernetes", *OTHER_KINDS])
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
        rest = "".join(f"{kind}: {{}}\n" for kind in OTHER_KINDS)
        file.write_text(f"checked: 2026-11-23\nkubernetes:\n  {kubernetes}\n{rest}", encoding="utf-8")
        return file

    return write_file


def test_a_file_with_the_right_shape_is_read(write):
    known = versions.load(write('"1.36": {source: "https://example.com", support_ends: 2027-08-02}'))
    assert known.kubernetes["1.36"].support_ends == LAST_DAY


def told(file):
    """Return what is said of a file that is refused."""
    with pytest.raises(ValueError, match=r"^versions\.yaml: ") as refused:
        versions.load(file)
    # Not one of pydantic's, which is a ValueError too.
    assert type(refused.value) is ValueError
    return str(refused.value)


def place(file):
    """Return the one place that is told of a file that is refused."""
    count, *places = told(file).splitlines()
    assert count in ("versions.yaml: 1 problem", "versions.yaml: 1 problems")
    (line,) = places
    return line


def test_an_addon_without_a_word_on_a_minor_version_is_refused(write):
    file = write('"1.36": {source: "https://example.com"}')
    addon = 'addons: {coredns: {versions: {}, source: "https://example.com"}}'
    file.write_text(file.read_text(encoding="utf-8").replace("addons: {}", addon), encoding="utf-8")
    assert "addons.coredns.versions must name kubernetes 1.36 (null leaves the choice to eks)" in told(file)


def test_a_version_without_quotes_is_refused_because_it_would_lose_its_last_zero(write):
    file = write('1.30: {source: "https://example.com"}')
    assert place(file) == "  kubernetes.1.3.[key]: input should be a valid string"


def test_a_version_twice_is_refused(write):
    file = write('"1.36": {source: "https://a.example"}\n  "1.36": {source: "https://b.example"}')
    assert told(file) == 'versions.yaml: not valid YAML: key 1.36 twice in "<unicode string>", line 4, column 3'


def test_a_misspelt_key_is_refused(write):
    file = write('"1.36": {source: "https://example.com", support_end: 2027-08-02}')
    assert place(file) == "  kubernetes.1.36.support_end: extra inputs are not permitted"


def test_a_version_without_a_source_is_refused(write):
    assert place(write('"1.36": {support_ends: 2027-08-02}')) == "  kubernetes.1.36.source: field required"


def test_several_problems_are_told_at_once_each_with_its_place(write):
    file = write('"1.35": {support_ends: 2027-08-02}\n  "1.36": {source: "https://example.com", sorce: a}')
    assert told(file) == (
        "versions.yaml: 2 problems\n"
        "  kubernetes.1.35.source: field required\n"
        "  kubernetes.1.36.sorce: extra inputs are not permitted"
    )


def test_a_missing_file_is_told_by_its_name(tmp_path):
    assert told(tmp_path / "versions.yaml") == "versions.yaml: cannot be read: No such file or directory"


def test_what_is_not_yaml_is_told_in_one_line_with_its_place(write):
    message = told(write('"1.36": {source: "https://example.com"'))
    assert message.startswith("versions.yaml: not valid YAML: ")
    assert "line 4, column " in message
    assert "\n" not in message


def test_the_variable_answers_for_the_calendar(monkeypatch):
    monkeypatch.setenv("AI_PRISM_TODAY", "2027-08-02")
    assert versions.today() == LAST_DAY


@pytest.mark.parametrize("given", [None, ""])
def test_without_the_variable_the_day_is_that_of_the_calendar(monkeypatch, given):
    monkeypatch.delenv("AI_PRISM_TODAY", raising=False)
    if given is not None:
        monkeypatch.setenv("AI_PRISM_TODAY", given)
    before = datetime.datetime.now(tz=datetime.UTC).date()
    day = versions.today()
    assert before <= day <= datetime.datetime.now(tz=datetime.UTC).date()


@pytest.mark.parametrize("given", ["tomorrow", "2027-02-30", "02.08.2027"])
def test_a_variable_that_names_no_day_is_refused(monkeypatch, given):
    monkeypatch.setenv("AI_PRISM_TODAY", given)
    with pytest.raises(ValueError, match="AI_PRISM_TODAY") as refused:
        versions.today()
    assert str(refused.value) == f"AI_PRISM_TODAY: must be a day such as 2026-11-23, got {given}"
