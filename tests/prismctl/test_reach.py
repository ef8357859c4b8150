"""Whether a cluster answers is told in one line, with the likely cause."""

import json
from pathlib import Path

import pytest
import yaml

from prismctl import helm
from prismctl.cli import main

SERVER = "https://127.0.0.1:1"
UNREACHABLE = f'Kubernetes cluster unreachable: Get "{SERVER}/version"'


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    document = {
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": "dev"}}],
        "clusters": [{"name": "dev", "cluster": {"server": SERVER}}],
        "users": [{"name": "dev", "user": {}}],
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


@pytest.fixture
def helm_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give what puts a Helm in place that says words, and ends with a code."""

    def put(words: str, code: int = 1) -> None:
        (tmp_path / "said").write_text(words, encoding="utf-8")
        stub = tmp_path / "helm"
        stub.write_text(f"#!/bin/sh\ncat {tmp_path / 'said'} >&2; exit {code}\n", encoding="utf-8")
        stub.chmod(0o755)
        helm.find_helm.cache_clear()
        monkeypatch.setenv("AI_PRISM_HELM", str(stub))

    yield put
    helm.find_helm.cache_clear()


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (f"{UNREACHABLE}: dial tcp: lookup abc.eks.amazonaws.com: no such host", "the cluster was deleted"),
        (f"{UNREACHABLE}: dial tcp 10.0.0.7:443: i/o timeout", "it is not reachable from here"),
        (f"{UNREACHABLE}: dial tcp 127.0.0.1:1: connect: connection refused", "nothing listens there"),
        (
            f"{UNREACHABLE}: tls: failed to verify certificate: x509: certificate signed by unknown",
            "does not match the kubeconfig",
        ),
        (f"{UNREACHABLE}: getting credentials: exec: executable aws failed with exit code 253", "no credentials"),
        (
            "Kubernetes cluster unreachable: the server has asked for the client to provide credentials",
            "refuses the caller",
        ),
        ("something new", "unknown; see the message"),
    ],
)
def test_a_cluster_that_does_not_answer_is_told_once_with_the_likely_cause(
    words: str, cause: str, kubeconfig: Path, helm_says, capsys: pytest.CaptureFixture[str]
) -> None:
    helm_says(f"Error: {words}")

    assert main(["reach", "dev", "--kubeconfig", str(kubeconfig)]) == 1

    said = capsys.readouterr().out
    assert said.startswith("ai-prism-dev does not answer: ")
    assert cause in said
    assert words in said
    assert "DELETE_UNREACHABLE" not in said
    assert main(["reach", "dev", "--kubeconfig", str(kubeconfig), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert not document["answers"]
    assert cause in document["cause"]


@pytest.mark.parametrize(
    ("words", "code"),
    [("", 0), ('Error: list: secrets is forbidden: User "preview" cannot list resource "secrets"', 1)],
)
def test_a_cluster_that_lets_the_caller_in_answers_also_one_who_may_not_see_secrets(
    words: str, code: int, kubeconfig: Path, helm_says, capsys: pytest.CaptureFixture[str]
) -> None:
    helm_says(words, code)

    assert main(["reach", "dev", "--kubeconfig", str(kubeconfig)]) == 0
    assert capsys.readouterr().out == f"ai-prism-dev answers at {SERVER}\n"
    assert main(["reach", "dev", "--kubeconfig", str(kubeconfig), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"]


def test_all_stacks_at_once_have_no_one_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reach", "all"]) == 2
    assert "one STACK" in capsys.readouterr().err
