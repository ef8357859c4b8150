"""What is told of a release, and which command of Helm would mend it; no mistake of use ends in a stack trace."""

import datetime
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import recorded

from prismctl import helm
from prismctl.cli import main
from prismctl.project import ROOT, Project
from prismctl.releases import WantedRelease, judge
from recording import recorder
from recording.graph import Graph
from tools import build

WANTED = WantedRelease(name="web", namespace="shop", version="1.0.0", values={"replicas": 2, "pool": {"name": "first"}})
AGES_AGO = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)


def release(status: str, *, good: int | None, since: datetime.datetime = AGES_AGO, **changes: Any) -> helm.Release:
    given: dict[str, Any] = {
        "name": "web",
        "namespace": "shop",
        "revision": 4,
        "description": "timed out",
        "values": WANTED.values,
        "manifest": (),
        "live": (),
    }
    return helm.Release(status=status, good=good, since=since, **{**given, **changes})


@pytest.mark.parametrize(
    ("status", "good", "command"),
    [
        ("pending-upgrade", 3, "rollback web 3"),
        ("pending-rollback", 2, "rollback web 2"),
        ("failed", 3, "rollback web 3"),
        # What was never deployed has nothing to go back to.
        ("pending-upgrade", None, "uninstall web"),
        ("pending-install", None, "uninstall web"),
        ("failed", None, "uninstall web"),
        ("uninstalling", 3, "uninstall web"),
    ],
)
def test_a_release_that_was_stopped_in_the_middle_goes_back_or_goes_away(
    status: str, good: int | None, command: str
) -> None:
    found = judge(WANTED, release(status, good=good))
    assert found.trouble
    assert found.repair
    assert " ".join(found.repair.command).startswith(command)
    assert "--namespace shop" in " ".join(found.repair.command)


def test_a_sound_release_is_left_alone_and_one_that_is_not_there_is_left_to_the_next_update() -> None:
    sound = judge(WANTED, release("deployed", good=4))
    assert sound.sound
    assert sound.repair is None
    absent = judge(WANTED, None)
    assert absent.repair is None
    assert "next pulumi up installs it" in absent.trouble


def test_a_deleted_object_is_made_again_by_the_revision_that_has_it() -> None:
    namespace = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
    found = judge(WANTED, release("deployed", good=4, manifest=(namespace,)))
    assert found.drift == ("ServiceAccount web: is not there",)
    assert found.repair
    assert found.repair.command[:3] == ("rollback", "web", "4")


def test_an_operation_that_began_a_moment_ago_may_still_be_under_way() -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert (
        "check whether an update is still running"
        in judge(WANTED, release("pending-upgrade", good=3, since=now)).trouble
    )
    assert "still at it" not in judge(WANTED, release("pending-upgrade", good=3)).trouble


def test_a_value_that_the_program_no_longer_sets_is_told_without_its_contents() -> None:
    values = {"replicas": 3, "pool": {"name": "first", "password": "hush"}}
    assert judge(WANTED, release("deployed", good=4, values=values)).values == (
        "pool.password: is still set",
        "replicas: has another value",
    )
    assert judge(WANTED, release("deployed", good=4, values={"replicas": 2})).values == ("pool: is not set yet",)


def kubeconfig(folder: Path, **user: Any) -> Path:
    file = folder / "kubeconfig"
    document = {
        "current-context": "prod",
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "prod"}}],
        "clusters": [{"name": "prod", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "prod", "user": user}],
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def record_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all commands have the one recording of each of this repository's stacks."""
    own = Project(ROOT)

    def record(
        program: Path, project: str, stack: str, config: Mapping[str, str], *, secret_keys: Collection[str], known: bool
    ) -> Graph:
        asked = program, project, config, secret_keys
        assert asked == (ROOT, own.name, own.config(stack), own.secret_keys(stack))
        return recorded(stack, known=known)

    monkeypatch.setattr(recorder, "record", record)


@pytest.fixture(autouse=True)
def forget_helm() -> None:
    helm.find_helm.cache_clear()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["release", *arguments])
    return code, capsys.readouterr().err


def test_a_kubeconfig_of_another_stacks_cluster_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--region", "us-east-1", "eks", "get-token", "--cluster-name", "ai-prism-prod"]
    file = kubeconfig(tmp_path, exec={"command": "aws", "args": arguments})
    code, said = run(capsys, "status", "dev", "--kubeconfig", str(file))
    assert code == 2
    assert "is of the cluster ai-prism-prod, not of ai-prism-dev" in said
    assert "aws eks update-kubeconfig --name ai-prism-dev" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no such kubeconfig"), ("{", "is no kubeconfig"), ("{}", "lacks a current context")],
)
def test_a_kubeconfig_that_is_none_is_told(
    text: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "kubeconfig").write_text(text, encoding="utf-8")
    code, said = run(capsys, "status", "dev", "--kubeconfig", str(tmp_path / "kubeconfig"))
    assert code == 2
    assert words in said


def test_without_helm_it_is_said_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, said = run(capsys, "status", "dev", "flagger", "--kubeconfig", str(kubeconfig(tmp_path)))
    assert code == 2
    assert "helm is not on PATH" in said
    assert "AI_PRISM_HELM" in said
    assert "make engine ARGS=helm" in said


def test_the_helm_that_make_charts_has_built_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tool,) = (tool for tool in build.ENGINE if tool.name == "helm")
    built = build.cache() / "-".join(("helm", build.pinned(tool), *build.PLATFORM)) / "bin" / "helm"
    built.parent.mkdir(parents=True)
    built.touch()
    assert helm.find_helm() == str(built)


def test_a_cluster_that_does_not_answer_is_told_in_helms_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "helm"
    fake.write_text("#!/bin/sh\necho 'Error: Kubernetes cluster unreachable: dial tcp' >&2; exit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("AI_PRISM_HELM", str(fake))
    code, said = run(capsys, "status", "dev", "flagger", "--kubeconfig", str(kubeconfig(tmp_path)))
    assert code == 3
    assert "https://127.0.0.1:1: Kubernetes cluster unreachable" in said
    assert "prismctl reach dev tells why" in said


def test_a_release_that_the_stack_does_not_have_is_named_with_those_that_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "repair", "dev", "flager", "--kubeconfig", str(kubeconfig(tmp_path)))
    assert code == 2
    assert "flager: no release of dev; possible are argo-cd" in said


@pytest.mark.parametrize(
    ("status", "revision", "drift"), [("pending-upgrade", "1", []), ("deployed", "2", ["Service"])]
)
def test_what_helm_answers_becomes_one_json_document(
    status: str,
    revision: str,
    drift: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = {
        "version": 2,
        "info": {
            "status": status,
            "last_deployed": "2026-11-01T10:00:00.123456789Z",
            "description": "",
            "resources": {"v1/Pod(related)": [{"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}]},
        },
        "manifest": "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
    }
    fake = tmp_path / "helm"
    (tmp_path / "status").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "history").write_text(json.dumps([{"revision": 1, "status": "deployed"}]), encoding="utf-8")
    fake.write_text(f'#!/bin/sh\ncat "{tmp_path}/$1"\n', encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("AI_PRISM_HELM", str(fake))
    assert main(["release", "status", "dev", "flagger", "--kubeconfig", str(kubeconfig(tmp_path)), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["releases"]
    assert (found["status"], found["repair"]["command"][:3]) == (status, ["rollback", "flagger", revision])
    assert [each.split()[0] for each in found["drift"]] == drift
