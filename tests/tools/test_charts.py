"""The bringer of third-party charts, with a stand-in for Helm."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from prismctl.project import ROOT
from settings import versions
from tools import charts

ARCHIVE = b"an archive"
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
RIGHT = charts.Chart("right", "1.2.3", "https://charts.example.com", DIGEST)
OTHER = charts.Chart("other", "4.5.6", "https://charts.example.com", None)

HELM = """#!/bin/sh
# push ARCHIVE REGISTRY
[ "$1" = pull ] || { echo "$1 $2 $3" >> %(folder)s/pushed; exit 0; }
# pull NAME --repo URL --version VERSION --destination FOLDER
echo "$2 $4 $6" >> %(folder)s/calls
%(work)s
printf '%(archive)s' > "$8/$2-$6.tgz"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with an empty cache and a Helm that pulls what it is asked for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(charts.VARIABLE, raising=False)
    monkeypatch.setattr(charts, "binary", lambda _: tmp_path / "helm")
    monkeypatch.setattr(charts, "pinned", lambda: {chart.name: chart for chart in (RIGHT, OTHER)})
    monkeypatch.setattr(charts, "ROOT", tmp_path / "program")
    (tmp_path / "program").mkdir()
    put_helm(tmp_path)
    return tmp_path


def put_helm(folder: Path, work: str = "", archive: str = ARCHIVE.decode()) -> None:
    helm = folder / "helm"
    helm.write_text(HELM % {"folder": folder, "work": work, "archive": archive})
    helm.chmod(0o755)


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return sorted(file.read_text().splitlines()) if file.exists() else []


def test_what_is_missing_is_brought_once_by_exact_version(machine: Path, capsys: pytest.CaptureFixture[str]):
    assert charts.main([]) == 0
    assert calls(machine) == [f"{each.name} https://charts.example.com {each.version}" for each in (OTHER, RIGHT)]
    assert charts.locate(RIGHT).read_bytes() == ARCHIVE
    told = capsys.readouterr()
    assert "right 1.2.3" in told.out
    assert "not pinned by digest yet: other; make charts ARGS=--lock" in told.err

    assert charts.main([]) == 0
    assert len(calls(machine)) == 2


def beside_program(folder: Path) -> set[str]:
    return {file.name for file in (folder / "program" / ".charts").glob("*")}


def test_the_program_finds_all_charts_beside_it_and_no_other_versions(machine: Path):
    (machine / "program" / ".charts").mkdir()
    (machine / "program" / ".charts" / "right-1.2.2.tgz").touch()

    assert charts.main([]) == 0

    assert beside_program(machine) == {RIGHT.archive, OTHER.archive}
    assert (machine / "program" / ".charts" / RIGHT.archive).read_bytes() == ARCHIVE


def test_definitions_are_put_beside_their_chart_as_a_chart_of_their_own_and_pushed_with_it(machine: Path):
    definition = "kind: CustomResourceDefinition\n"
    chart = machine / "stores-1.0.0.tgz"
    with tarfile.open(chart, "w:gz") as archive:
        for name in ("stores/crds/stores.yaml", "stores/templates/deployment.yaml"):
            member = tarfile.TarInfo(name)
            member.size = len(definition)
            archive.addfile(member, io.BytesIO(definition.encode()))
    stores = charts.Chart("stores", "1.0.0", "https://charts.example.com", None, crds=True)

    put = charts.put_beside_program([(stores, chart)], machine / "program")

    assert [file.name for file in put] == ["stores-1.0.0.tgz", "stores-crds-1.0.0.tgz"]
    with tarfile.open(put[1]) as archive:
        files = {name: archive.extractfile(name) for name in archive.getnames()}
        assert set(files) == {
            f"stores-crds/{each}" for each in ("Chart.yaml", "templates/crds.yaml", "files/stores.yaml")
        }
        kept = files["stores-crds/files/stores.yaml"]
        assert kept
        assert kept.read().decode() == definition
    assert not charts.push(put, "oci://registry.example.com/charts")
    assert len((machine / "pushed").read_text().splitlines()) == 2


def test_earlier_versions_are_brought_into_the_cache_alone(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    older = [charts.Chart("right", version, "https://charts.example.com", None) for version in ("1.2.2", "1.2.1")]
    monkeypatch.setattr(charts, "earlier", lambda: older)

    assert charts.main(["--earlier"]) == 0

    assert {each.name for each in charts.cache().glob("*.tgz")} == {each.archive for each in (RIGHT, OTHER, *older)}
    assert beside_program(machine) == {RIGHT.archive, OTHER.archive}
    charts.locate(older[0]).unlink()
    put_helm(machine, work="exit 1")
    assert charts.main(["--earlier"]) == charts.FAILED
    assert "right 1.2.2 cannot be had" in capsys.readouterr().err


def test_with_every_repository_out_of_reach_what_was_brought_once_is_enough(machine: Path):
    assert charts.main([]) == 0
    shutil.rmtree(machine / "program" / ".charts")
    put_helm(machine, work="exit 1")

    assert charts.main([]) == 0
    assert beside_program(machine) == {RIGHT.archive, OTHER.archive}


def test_charts_are_pushed_to_a_registry_and_what_it_refuses_is_told(machine: Path, capsys: pytest.CaptureFixture[str]):
    assert charts.main(["--push", "oci://registry.example.com/charts"]) == 0
    pushed = (machine / "pushed").read_text().splitlines()
    beside = machine / "program" / ".charts"
    assert sorted(pushed) == [
        f"push {beside / each.archive} oci://registry.example.com/charts" for each in (OTHER, RIGHT)
    ]

    put_helm(machine, work="")
    helm = machine / "helm"
    helm.write_text(helm.read_text().replace("exit 0", 'echo "Error: 403 Forbidden" >&2; exit 1'))
    assert charts.main(["--push", "oci://registry.example.com/charts"]) == charts.FAILED
    told = "error: right-1.2.3.tgz cannot be pushed to oci://registry.example.com/charts: 403 Forbidden"
    assert told in capsys.readouterr().err
    assert charts.main(["--push", "registry.example.com/charts"]) == 2


def test_an_archive_with_another_digest_is_not_kept(machine: Path, capsys: pytest.CaptureFixture[str]):
    put_helm(machine, archive="another archive")

    assert charts.main([]) == charts.CHANGED
    assert f"versions.yaml pins right 1.2.3 at {DIGEST}" in capsys.readouterr().err
    assert [file.name for file in charts.cache().iterdir()] == ["other-4.5.6.tgz"]
    # What stands is not changed by half.
    assert not (machine / "program" / ".charts").exists()


@pytest.mark.usefixtures("machine")
def test_a_cached_archive_that_was_changed_is_refused():
    assert charts.main([]) == 0
    charts.locate(RIGHT).write_bytes(b"changed")

    with pytest.raises(charts.ChangedError, match="SHA-256"):
        charts.locate(RIGHT)


def test_all_that_cannot_be_had_is_told_and_what_can_be_had_stays(machine: Path, capsys: pytest.CaptureFixture[str]):
    put_helm(machine, work='[ "$2" = right ] || { echo "Error: no such host" >&2; exit 1; }')

    assert charts.main([]) == charts.FAILED
    told = capsys.readouterr().err
    assert "error: other 4.5.6 cannot be had from https://charts.example.com: no such host" in told
    assert "1 of 2 charts are missing" in told
    assert told.count("HTTPS_PROXY") == 1
    assert charts.locate(RIGHT)


def test_a_chart_that_was_never_brought_names_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(charts.VARIABLE, raising=False)
    chart = charts.Chart("never", "0.0.0", "https://charts.example.com", None)
    with pytest.raises(charts.ChartError, match=r"^never 0\.0\.0 is not there; make charts$"):
        charts.locate(chart)


def test_an_interrupt_ends_helm_and_leaves_no_half_of_an_archive(tmp_path: Path):
    put_helm(tmp_path, work=f"echo $$ > {tmp_path}/process; exec sleep 60")
    script = (
        "import pathlib, signal, sys\n"
        "from tools import charts\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"charts.binary = lambda _: pathlib.Path({str(tmp_path / 'helm')!r})\n"
        "sys.exit(charts.main([]))"
    )
    environment = {key: value for key, value in os.environ.items() if key != charts.VARIABLE}
    process = subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment | {"XDG_CACHE_HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "process").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)

    assert "interrupted" in process.communicate(timeout=300)[1]
    assert process.returncode == charts.INTERRUPTED
    assert not list((tmp_path / "ai-prism" / "charts").iterdir())


def test_a_named_folder_is_trusted_packaged_or_not_but_for_the_version(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    own = machine / "own"
    (own / "other").mkdir(parents=True)
    (own / RIGHT.archive).write_bytes(b"another digest")
    (own / "other" / "Chart.yaml").write_text("version: 4.5.6\n")
    monkeypatch.setenv(charts.VARIABLE, str(own))

    assert charts.main([]) == 0
    assert capsys.readouterr().out.count("trusted as it is") == 2
    assert charts.main(["--lock"]) == 2
    (own / "other" / "Chart.yaml").write_text("version: 4.5.7\n")
    assert charts.main([]) == charts.FAILED
    assert "has version 4.5.7; versions.yaml says other 4.5.6" in capsys.readouterr().err
    assert not calls(machine)


def test_lock_writes_the_digests_that_are_missing_and_nothing_else(machine: Path):
    file = machine / "versions.yaml"
    file.write_text(f"# kept\n    digests:\n      other: null\n      another: null\n      right: {DIGEST}\n")
    assert charts.main([]) == 0

    assert charts.lock([(each, charts.locate(each)) for each in (RIGHT, OTHER)], file) == ["other"]
    assert file.read_text() == (
        f"# kept\n    digests:\n      other: {DIGEST}\n      another: null\n      right: {DIGEST}\n"
    )


def test_every_pinned_chart_is_of_one_archive():
    names = [name for pin in versions.load().charts.values() for name in pin.digests]
    assert len(set(names)) == len(names)
    assert set(charts.pinned()) == set(names)


def test_an_unknown_argument_is_a_mistake(capsys: pytest.CaptureFixture[str]):
    assert charts.main(["--lokc"]) == 2
    assert "usage" in capsys.readouterr().err
