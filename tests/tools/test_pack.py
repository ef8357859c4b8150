"""The policies are a package of their own, which needs nothing of this repository."""

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from policy.registry import rules
from tools import pack

MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: web, securityContext: {privileged: true}}]}
"""
FENCE = """
import sys
class Fence:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pulumi_aws", "pulumi_eks", "pulumi_kubernetes", "components", "tools"):
            raise ImportError(f"the package needs {name}")
sys.meta_path.insert(0, Fence())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(pack.build(tmp_path_factory.mktemp("dist"))) as wheel:
        wheel.extractall(folder)
    return folder


def run(installed: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", FENCE + code, *arguments]
    return subprocess.run(  # noqa: S603  # our own package
        command, cwd=installed, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_judges_manifests_by_every_rule(installed: Path) -> None:
    (installed / "web.yaml").write_text(MANIFEST, encoding="utf-8")
    code = "import ai_prism_policies.command as it; code = it.main()\nimport policy\n"
    done = run(
        installed, f"{code}print(policy.__file__, file=sys.stderr); sys.exit(code)", "--manifests", "web.yaml", "--json"
    )
    assert done.returncode == 1, done.stderr
    assert str(installed) in done.stderr
    found = {finding["rule"] for stack in json.loads(done.stdout)["stacks"] for finding in stack["findings"]}
    assert "k8s-priv" in found


def test_the_pack_has_every_rule_and_nothing_of_this_platform(installed: Path) -> None:
    folder = installed / pack.FOLDER
    code = (
        f"sys.path.insert(0, {str(folder)!r})\n"
        "from policy.adapter import initial_config, policies\n"
        "print(initial_config(), len([p for p in policies()]))"
    )
    done = run(installed, code)
    assert done.stdout.split() == ["{}", str(len(rules()) + 4)], done.stderr
    description = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert description["runtime"] == {"name": "python"}
    assert yaml.safe_load((folder / "policy" / "waivers.yaml").read_text(encoding="utf-8")) == []


def test_the_package_asks_for_what_it_imports(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    lines = metadata.read_text(encoding="utf-8").splitlines()
    asked = {Requirement(line.partition(":")[2]).name for line in lines if line.startswith("Requires-Dist:")}
    imported = {
        name.partition(".")[0]
        for file in (installed / pack.FOLDER).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    distributions = importlib.metadata.packages_distributions()
    theirs = {canonicalize_name(name) for each in imported - {*pack._PACKAGES} for name in distributions.get(each, ())}
    # Named in a text: the detectors are imported when they are needed. Pulumi's SDK brings gRPC.
    assert asked == theirs - {"protobuf", "grpcio", "googleapis-common-protos"} | {"detect-secrets"}


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    done = subprocess.run(  # noqa: S603  # our own module
        [sys.executable, "-m", "tools.pack", "--layout", str(tmp_path)],
        cwd=pack.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "must be an empty folder" in done.stderr
