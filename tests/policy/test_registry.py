"""What every rule's registration must be."""

import ast
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sdk_inputs
from policy_cases import cases

import policy
from policy import registry
from policy.findings import Result
from policy.registry import ENVIRONMENTS, Level, Rule, Settings, rule, rules

FOLDER = Path(policy.__file__).parent


@pytest.fixture(params=rules(), ids=lambda each: each.id)
def each(request: pytest.FixtureRequest) -> Rule:
    return request.param


def test_ids_are_unique_across_modules() -> None:
    found = re.findall(
        r'^@rule\(\n?\s*"([^"]+)"', "\n".join(file.read_text() for file in FOLDER.glob("rules/*.py")), re.MULTILINE
    )
    assert sorted(found) == sorted({one.id for one in rules()})


def test_a_second_rule_cannot_take_an_id() -> None:
    taken = rules()[0]
    with pytest.raises(ValueError, match=taken.id):
        rule(taken.id, "", types=taken.types, severity=taken.severity, why="", fix="")(lambda _one, _two: iter(()))


def test_a_rule_tells_all_that_its_reference_page_shows(each: Rule) -> None:
    for text in (each.title, each.why, each.fix):
        assert text.strip() == text
        assert text
    assert "\n" not in each.fix
    assert each.why.endswith(".")
    assert each.fix.endswith(".")
    assert not each.title.endswith(".")


def test_control_ids_are_those_of_known_catalogues(each: Rule) -> None:
    known = r"CKV2?_(AWS|K8S)_\d+|CIS (AWS|EKS|Kubernetes) \d+(\.\d+)+|[A-Z][A-Za-z0-9]+\.\d+"
    assert [control for control in each.controls if not re.fullmatch(known, control)] == []


def test_every_property_that_a_rule_reads_exists_in_the_sdk(each: Rule) -> None:
    known = [type_ for type_ in each.types if not type_.endswith("*") and sdk_inputs.has_class(type_)]
    if not known:
        pytest.skip("no type of this rule is in the SDK")
    assert [path for path in each.paths if not any(sdk_inputs.exists(type_, path) for type_ in known)] == []


def test_the_test_of_properties_can_fail() -> None:
    assert sdk_inputs.exists("aws:eks/cluster:Cluster", "vpcConfig.publicAccessCidrs[]")
    assert sdk_inputs.exists("kubernetes:apps/v1:Deployment", "spec.template.spec.containers[].securityContext")
    assert sdk_inputs.exists("aws:kms/key:Key", "tags.*")
    assert not sdk_inputs.exists("aws:eks/cluster:Cluster", "vpcConfig.publicAccessCidr")
    assert not sdk_inputs.exists("kubernetes:apps/v1:Deployment", "spec.template.spec.containers[].privileged")
    assert not sdk_inputs.exists("aws:kms/key:Key", "enable_key_rotation")


def test_configuration_has_defaults_of_its_own_type(each: Rule) -> None:
    kinds = {"integer": int, "number": (int, float), "string": str, "array": list, "boolean": bool, "object": dict}
    for key, schema in each.config.items():
        assert key not in {"level", "enforcementLevel"}
        assert isinstance(schema["default"], kinds[schema["type"]])


def test_every_rule_fires_in_some_fixture() -> None:
    fired = {
        finding.rule.id
        for case in itertools.chain(cases("violating"), cases("absent-violates"))
        for finding in case.report().findings
        if finding.result is Result.VIOLATED
    }
    assert {one.id for one in rules()} - fired == set()


def test_levels_never_soften_towards_prod(each: Rule) -> None:
    order = [each.levels[name] is Level.MANDATORY for name in ENVIRONMENTS]
    assert order == sorted(order)


def test_an_environment_of_no_known_kind_is_judged_as_prod(each: Rule) -> None:
    def level(name: str) -> Level:
        from policy_cases import TODAY

        return each.level(Settings(environment=name, today=TODAY))

    assert level("sandbox-7") is level("prod")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("rules/*.py")), ids=lambda file: file.stem)
def test_rules_know_neither_pulumi_nor_the_program(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    own = {"pulumi", "pulumi_policy", "pulumi_aws", "pulumi_eks", "pulumi_kubernetes", "components", "settings"}
    assert imported & (own | {"prismctl", "recording", "fakes", "tools"}) == set()


OUTSIDE = """
from policy.registry import LOW, rule

@rule("shop-names", "Topics are named after the shop", types=("aws:sns/topic:Topic",), severity=LOW,
      paths=("name",), why="People search by it.", fix="Name it shop-….")
def names(topic, _):
    if not topic.text("name").startswith("shop-"):
        yield "name", "is not named after the shop"
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Install a package that brings rules; takes the text of its module."""
    before = dict(registry._rules)

    def install(text: str) -> None:
        (tmp_path / "shop_rules.py").write_text(text, encoding="utf-8")
        folder = tmp_path / "shop_rules-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-rules\nVersion: 1.0\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text("[ai_prism.rules]\nshop = shop_rules\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.rules.cache_clear()
        registry.rules_for.cache_clear()

    yield install
    registry._rules.clear()
    registry._rules.update(before)
    sys.modules.pop("shop_rules", None)
    monkeypatch.undo()
    registry.rules.cache_clear()
    registry.rules_for.cache_clear()


def test_an_installed_package_brings_rules_of_its_own(outside: Callable[[str], None]) -> None:
    outside(OUTSIDE)
    assert rules()[-1].id == "shop-names"
    assert "shop-names" in {each.id for each in registry.rules_for("aws:sns/topic:Topic")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        (OUTSIDE.replace("shop-names", "kms-rotate"), "two"),
    ],
)
def test_rules_that_cannot_be_loaded_are_not_left_out_in_silence(
    outside: Callable[[str], None], text: str, said: str
) -> None:
    outside(text)
    with pytest.raises(registry.RulesError, match=said):
        rules()
