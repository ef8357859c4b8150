"""`prismctl policies` as it is used: what it prints, writes and ends with."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from policy.surfaces import errors
from prismctl.cli import main
from prismctl.project import ROOT, Project

KEY = {
    "urn": "urn:pulumi:prod::shop::aws:kms/key:Key::data",
    "type": "aws:kms/key:Key",
    "custom": True,
    "protect": True,
    "inputs": {"enableKeyRotation": True, "policy": '{"Statement": []}'},
}


NAMESPACE = (
    "apiVersion: v1\nkind: Namespace\n"
    "metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}\n"
)


def state(folder: Path, *, name: str = "state.json", stack: str = "prod", **inputs: object) -> str:
    key = {**KEY, "urn": KEY["urn"].replace(":prod:", f":{stack}:"), "inputs": {**KEY["inputs"], **inputs}}
    file = folder / name
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": [key]}}))
    return str(file)


def test_mandatory_findings_end_with_1_and_say_how_to_mend_them(tmp_path, capsys) -> None:
    assert main(["policies", "--state", state(tmp_path, enableKeyRotation=False)]) == 1
    out = capsys.readouterr().out
    assert "mandatory medium kms-rotate: enableKeyRotation: rotation is off (KMS.4, CKV_AWS_7)" in out
    assert "Set enable_key_rotation=True." in out


def test_advisory_findings_end_with_0(tmp_path, capsys) -> None:
    assert (
        main(
            [
                "policies",
                "--state",
                state(
                    tmp_path,
                    enableKeyRotation=False,
                ),
                "--environment",
                "dev",
            ]
        )
        == 0
    )
    assert "advisory medium kms-rotate" in capsys.readouterr().out


def test_nothing_found_ends_with_0(tmp_path, capsys) -> None:
    assert main(["policies", "--state", state(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("prod: 0 mandatory and 0 advisory findings")


def test_a_stack_that_says_nothing_of_itself_is_judged_as_prod(tmp_path, capsys) -> None:
    assert main(["policies", "--state", state(tmp_path, stack="x7", enableKeyRotation=False)]) == 1
    out, err = capsys.readouterr()
    assert "checked as prod" in err
    assert "(as prod)" in out


def test_json_is_one_document_and_serves_as_a_base(tmp_path, capsys) -> None:
    bad = state(tmp_path, enableKeyRotation=False)
    assert main(["policies", "--state", bad, "--json"]) == 1
    out, err = capsys.readouterr()
    (stack,) = json.loads(out)["stacks"]
    assert [finding["rule"] for finding in stack["findings"]] == ["kms-rotate"]
    assert err == ""
    base = tmp_path / "base.json"
    base.write_text(out)
    assert main(["policies", "--state", bad, "--base", str(base)]) == 0
    worse = state(tmp_path, enableKeyRotation=False, deletionWindowInDays=7)
    capsys.readouterr()
    assert main(["policies", "--state", worse, "--base", str(base), "--json"]) == 1
    (stack,) = json.loads(capsys.readouterr().out)["stacks"]
    assert [finding["rule"] for finding in stack["findings"]] == ["kms-window"]


def test_a_base_hides_neither_what_became_worse_nor_a_second_of_its_kind(tmp_path, capsys) -> None:
    def base(*arguments: str) -> list[str]:
        capsys.readouterr()
        main(["policies", *arguments, "--json"])
        file = tmp_path / "base.json"
        file.write_text(capsys.readouterr().out)
        return ["--base", str(file)]

    bad = state(tmp_path, enableKeyRotation=False)
    assert main(["policies", "--state", bad, *base("--state", bad, "--environment", "dev")]) == 1
    assert main(["policies", "--state", bad, "--environment", "dev", *base("--state", bad)]) == 0
    assert "kms-rotate" not in capsys.readouterr().out

    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: shop}\n"
    manifests = tmp_path / "shop.yaml"
    manifests.write_text(f"{NAMESPACE}---\n{policy}spec: {{podSelector: {{}}, policyTypes: [Ingress]}}\n")
    before = base("--manifests", str(manifests))
    assert main(["policies", "--manifests", str(manifests), *before]) == 0
    manifests.write_text(NAMESPACE)
    assert main(["policies", "--manifests", str(manifests), *before]) == 1
    assert capsys.readouterr().out.count("ns-netpol") == 1


def test_an_environment_may_be_named_by_the_words_that_stacks_go_by(tmp_path, capsys) -> None:
    bad = state(tmp_path, stack="x7", enableKeyRotation=False)
    assert main(["policies", "--state", bad, "--environment", "production"]) == 1
    assert main(["policies", "--state", bad, "--environment", "development"]) == 0
    assert "(as dev)" in capsys.readouterr().out


def test_waivers_of_one_s_own_take_the_place_of_the_platform_s(tmp_path, capsys) -> None:
    bad, file = state(tmp_path, enableKeyRotation=False), tmp_path / "waivers.yaml"
    about = "path: enableKeyRotation, owner: web, ticket: WEB-1, reason: moving, expires: 2126-01-31, value: false"
    file.write_text(
        f"- {{rule: kms-rotate, urn: 'urn:pulumi:prod::shop::*::data', {about}}}\n"
        f"- {{rule: kms-rotate, urn: 'urn:pulumi:prod::other::*::data', {about}}}\n"
    )
    assert main(["policies", "--state", bad, "--waivers", str(file)]) == 0
    out, err = capsys.readouterr()
    assert "waived by WEB-1 medium kms-rotate" in out
    assert "1 of 2 waivers are about other stacks, projects or files" in err
    assert main(["policies", "--state", state(tmp_path), "--waivers", str(file)]) == 1
    assert f"{file}:1" in capsys.readouterr().out


def test_what_no_rule_looks_at_is_counted_by_type(tmp_path, capsys) -> None:
    resources = [
        KEY,
        {**KEY, "urn": "urn:pulumi:prod::shop::aws:x/y:Y::a", "type": "aws:x/y:Y"},
        {**KEY, "urn": "urn:pulumi:prod::shop::aws:x/y:Y::b", "type": "aws:x/y:Y"},
        {**KEY, "urn": "urn:pulumi:prod::shop::shop:index:Part::c", "type": "shop:index:Part", "custom": False},
    ]
    file, page = tmp_path / "state.json", tmp_path / "page.md"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    assert main(["policies", "--state", str(file), "--markdown", str(page)]) == 0
    assert "no rule checks 2 resources: aws:x/y:Y 2\n" in capsys.readouterr().out
    assert "no rule checks 2 resources: aws:x/y:Y 2" in page.read_text()
    main(["policies", "--state", str(file), "--json"])
    assert json.loads(capsys.readouterr().out)["stacks"][0]["unseen"] == {"aws:x/y:Y": 2}


def group(folder: Path, *ports: int) -> str:
    """Return a state with a security group that is open to the world on these ports."""
    type_ = "aws:ec2/securityGroup:SecurityGroup"
    rules = [
        {"description": "d", "protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": ["0.0.0.0/0"]}
        for port in ports
    ]
    inputs = {"description": "d", "ingress": rules}
    resource = {"urn": f"urn:pulumi:prod::shop::{type_}::web", "type": type_, "custom": True, "inputs": inputs}
    file = folder / f"{'-'.join(map(str, ports))}.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": [resource]}}))
    return str(file)


@pytest.mark.parametrize(
    ("ports", "new"),
    [
        ((3389,), []),
        ((22,), ["ingress[0].cidrBlocks[0]"]),
        ((22, 3389), ["ingress[0].cidrBlocks[0]"]),
        ((3389, 22), ["ingress[1].cidrBlocks[0]"]),
        ((3389, 3389), ["ingress[1].cidrBlocks[0]"]),
    ],
    ids=["as before", "another port", "one more before it", "one more behind it", "the same twice"],
)
def test_a_base_goes_by_what_was_found_and_not_by_where_it_stands(tmp_path, capsys, ports, new) -> None:
    main(["policies", "--state", group(tmp_path, 3389), "--json"])
    base = tmp_path / "base.json"
    base.write_text(capsys.readouterr().out)
    main(["policies", "--state", group(tmp_path, *ports), "--json", "--base", str(base)])
    (stack,) = json.loads(capsys.readouterr().out)["stacks"]
    assert [each["path"] for each in stack["findings"] if each["rule"] == "net-sg-world"] == new


def test_a_base_knows_what_only_an_empty_account_shows(tmp_path, capsys, monkeypatch) -> None:
    def policies(*arguments: str) -> dict:
        main(["policies", "dev", "--json", *arguments])
        return json.loads(capsys.readouterr().out)

    monkeypatch.chdir(ROOT)

    config, base = tmp_path / "config.json", tmp_path / "base.json"
    config.write_text('{"stk-region": {"regions": []}}')
    before = policies("--config", str(config))
    assert before["stacks"][0]["mandatory"] > 0
    base.write_text(json.dumps(before))
    assert policies("--config", str(config), "--base", str(base))["stacks"][0]["findings"] == []


def test_what_is_left_out_of_a_folder_is_said(tmp_path, capsys) -> None:
    (tmp_path / "all.yaml").write_text(NAMESPACE)
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]")
    main(["policies", "--manifests", str(tmp_path), "--environment", "dev"])
    assert f"skipped {tmp_path}/kustomization.yaml: is kustomize's" in capsys.readouterr().err


def test_sarif_is_written(tmp_path, capsys) -> None:
    file = tmp_path / "found.sarif"
    assert main(["policies", "--state", state(tmp_path, enableKeyRotation=False), "--sarif", str(file)]) == 1
    assert json.loads(file.read_text())["version"] == "2.1.0"
    assert capsys.readouterr().err == f"wrote {file}\n"


def test_markdown_is_written_with_what_stops_before_the_rest(tmp_path, capsys) -> None:
    file = tmp_path / "summary.md"
    assert main(["policies", "--state", state(tmp_path, enableKeyRotation=False), "--markdown", str(file)]) == 1
    text = file.read_text()
    assert text.startswith("## Policies: prod\n\nprod: 1 mandatory ")
    assert "| kms-rotate | " in text.partition("<details>")[0]
    assert capsys.readouterr().err == f"wrote {file}\n"


def test_rules_are_configured_as_for_the_pack(tmp_path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"kms-rotate": "disabled"}')
    assert main(["policies", "--state", state(tmp_path, enableKeyRotation=False), "--config", str(config)]) == 0


def test_manifests_are_judged(tmp_path, capsys) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: shop}\n"
        "spec: {containers: [{name: x, image: 'x:1', securityContext: {privileged: true}}]}\n"
    )
    assert main(["policies", "--manifests", str(tmp_path), "--environment", "dev"]) == 1
    out = capsys.readouterr().out
    assert "k8s-priv" in out
    assert f"{file}:1" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give exactly one of"),
        (["dev", "--state", "x"], "give exactly one of"),
        (["--state", "x", "--plan", "y"], "give exactly one of"),
        (["--state", "/nowhere/x"], "/nowhere/x: cannot be read"),
        (["--plan", "Pulumi.yaml"], "Pulumi.yaml: is not a plan, as pulumi preview --json writes it"),
        (["--manifests", "policy/waivers.yaml"], "is no Kubernetes object"),
        (["--state", "x", "--environment", "live-ish"], "--environment: must be one of"),
        (["--state", "x", "--waivers", "/nowhere/x"], "/nowhere/x: cannot be read"),
        (["--state", "x", "--waivers", "policy/configuration.json"], "must be a list of waivers"),
        (["--state", "x", "--base", "README.md"], "README.md: is not valid JSON"),
        (["--state", "x", "--base", "policy/configuration.json"], "is not what prismctl policies --json writes"),
        (["--state", "x", "--config", "README.md"], "README.md: is not valid JSON"),
        (["--state", "x", "--sarif", "/nowhere/x.sarif"], "the folder does not exist"),
        (["--state", "x", "--sarif", "same", "--markdown", "same"], "named for two outputs"),
        (["nowhere"], "no stack called"),
    ],
)
def test_bad_use_and_bad_input_end_with_2(arguments, says, capsys, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["policies", *arguments]) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert "Traceback" not in err
    assert out == ""


def test_too_much_is_refused(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(errors, "MOST_BYTES", 10)
    assert main(["policies", "--state", state(tmp_path)]) == 2
    assert "too large" in capsys.readouterr().err


def test_lines_are_broken_on_a_terminal_and_whole_in_a_pipe(tmp_path, capsys, monkeypatch) -> None:
    bad = state(tmp_path, deletionWindowInDays=7, bypassPolicyLockoutSafetyCheck=True, enableKeyRotation=False)
    main(["policies", "--state", bad])
    whole = capsys.readouterr().out
    assert max(map(len, whole.splitlines())) > 80
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    main(["policies", "--state", bad])
    broken = capsys.readouterr().out
    assert max(map(len, broken.splitlines())) <= 80
    assert broken.split() == whole.split()
    assert "\x1b" not in whole


def test_a_pipe_that_brings_nothing_is_no_clean_bill(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert main(["policies", "--manifests", "-"]) == 2
    assert "standard input: holds no Kubernetes objects" in capsys.readouterr().err


def test_a_pipe_is_read(tmp_path) -> None:
    text = Path(state(tmp_path, enableKeyRotation=False)).read_text()
    command = [sys.executable, "-m", "prismctl", "policies", "--state", "-", "--json"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)  # noqa: S603
    assert done.returncode == 1
    assert json.loads(done.stdout)["stacks"][0]["mandatory"] == 1


@pytest.mark.sweep
def test_the_platform_has_no_mandatory_finding_on_any_stack() -> None:
    # In a process of its own, as users run it: here other tests have been with the SDK and with gRPC before.
    command = [sys.executable, "-m", "prismctl", "policies", "all", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stderr
    stacks = json.loads(done.stdout)["stacks"]
    assert [stack["stack"] for stack in stacks] == list(Project(ROOT).stacks())
    assert [stack["stack"] for stack in stacks if stack["mandatory"]] == []
