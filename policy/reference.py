"""The reference page of the rules, `docs/policies.md`, with examples from the fixtures."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from policy.registry import ENVIRONMENTS, Level, Rule, rules

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "policy" / "fixtures"

_FRAMEWORKS = (
    ("CIS Amazon EKS Benchmark 1.7", r"CIS EKS (.+)"),
    ("CIS AWS Foundations Benchmark", r"CIS AWS (.+)"),
    ("AWS Security Hub", r"([A-Z][A-Za-z0-9]*\.\d+)"),
    ("Checkov, AWS", r"(CKV2?_AWS_\d+)"),
    ("Checkov, Kubernetes", r"(CKV2?_K8S_\d+)"),
)

_HEAD = """\
# Policies

<!-- Generated from policy/rules and tests/policy/fixtures: make generate. -->

What `prismctl policies`, `make preview` and the policy pack (`pulumi preview --policy-pack policy`) check. Each rule
has three answers: violated, satisfied, and undetermined where its answer depends on an unknown value. In
prod, what a *strict* rule cannot tell is mandatory too. Examples are inputs by the SDK's wire names; `!unknown`,
`!secret`, `!ref` (unknown, but made from that resource), `!id` and `!arn` stand for values.

Levels: a mandatory finding stops the update, an advisory one is only told. An environment that nobody names is judged
as prod. A finding is waived in [`policy/waivers.yaml`](../policy/waivers.yaml), with an owner, a ticket, a reason and
a last day.
"""


_SERVICES = {
    "ecr": "ECR",
    "eks": "EKS",
    "node_groups": "EKS",
    "elasticache": "ElastiCache",
    "gitops": "Delivery and secrets in the cluster",
    "helm": "Delivery and secrets in the cluster",
    "iam": "IAM",
    "kms": "KMS",
    "kubernetes": "Kubernetes",
    "launch_templates": "EC2",
    "load_balancers": "Load balancing",
    "logs": "CloudWatch Logs",
    "network": "VPC",
    "security_groups": "VPC",
    "rds": "RDS",
    "s3": "S3",
    "secrets": "Secrets Manager",
    "services": "Other services of AWS",
    "stack": "The stack as a whole",
    "waf": "WAF",
}
"""The service by the module of rules, or by how modules about it begin."""


def _service(rule: Rule) -> str:
    module = rule.module
    known = _SERVICES.get(module) or _SERVICES.get(module.partition("_")[0])
    return known or module.replace("_", " ").strip().capitalize()


def page() -> str:
    """Return the page."""
    examples = _examples()
    parts = [_HEAD, *_summary(), *_coverage()]
    services: dict[str, list[Rule]] = {}
    for rule in rules():
        services.setdefault(_service(rule), []).append(rule)
    for service in sorted(services, key=str.lower):
        parts.append(f"## {service}\n")
        parts += [_rule(rule, examples.get(rule.id, {})) for rule in services[service]]
    return "\n".join(parts).rstrip() + "\n"


def _summary() -> Iterator[str]:
    yield "## All rules\n"
    yield "| Rule | Holds where | Severity | Mandatory in |\n|---|---|---|---|"
    for rule in rules():
        yield f"| [{rule.id}](#{rule.id}) | {_cell(rule.title)} | {rule.severity.value} | {_mandatory(rule)} |"
    yield ""


def _mandatory(rule: Rule) -> str:
    found = [name for name in ENVIRONMENTS if rule.levels[name] is Level.MANDATORY]
    return "all" if len(found) == len(ENVIRONMENTS) else ", ".join(found) or "none"


def _coverage() -> Iterator[str]:
    yield "## Coverage by framework\n"
    yield "| Framework | Controls | Rules |\n|---|--:|--:|"
    tables: list[str] = []
    proven = _proven()
    for name, pattern in _FRAMEWORKS:
        covered: dict[str, list[str]] = {}
        named: dict[str, str] = {}
        for rule in rules():
            for control in rule.controls:
                if match := re.fullmatch(pattern, control):
                    covered.setdefault(match[1], []).append(rule.id)
                    named[match[1]] = control
        if not covered:
            continue
        yield f"| {name} | {len(covered)} | {len({id_ for ids in covered.values() for id_ in ids})} |"
        rows = [
            f"| {control} | {_links(covered[control])} | {_proof(named[control], proven)} |"
            for control in sorted(covered, key=_natural)
        ]
        tables += [f"### {name}\n", "| Control | Rules | Cases |\n|---|---|---|", *rows, ""]
    own = [rule.id for rule in rules() if not rule.controls]
    yield f"| of no framework | | {len(own)} |\n"
    yield "Kept: a violating and a compliant case are made from the control's definition; partly: one of them; claimed:"
    yield "the rule says so, and no case is named after the control.\n"
    yield from tables


_GOOD, _BAD = ("compliant", "absent-satisfies"), ("violating", "absent-violates")
CONTROL = re.compile(r"CIS \w+ [\d.]+|[^\s,]+")
"""An id among others."""


def _proven() -> Mapping[str, set[str]]:
    """Return by control the sections in which a case is made from the control's definition."""
    found: dict[str, set[str]] = {}
    for file in sorted(FIXTURES.glob("*.yaml")):
        document = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        for section, case in _cases(document):
            for key, value in case.value:
                if key.value == "controls" and isinstance(value, yaml.ScalarNode):
                    for control in CONTROL.findall(value.value):
                        found.setdefault(control, set()).add(section)
    return found


def _cases(document: yaml.Node | None) -> Iterator[tuple[str, yaml.MappingNode]]:
    for _, sections in document.value if isinstance(document, yaml.MappingNode) else ():
        for section, cases in sections.value if isinstance(sections, yaml.MappingNode) else ():
            for case in cases.value if isinstance(cases, yaml.SequenceNode) else ():
                if isinstance(case, yaml.MappingNode):
                    yield section.value, case


def _proof(control: str, proven: Mapping[str, set[str]]) -> str:
    """Return kept where a compliant and a violating case are made from a control, partly for one of them."""
    sections = proven.get(control, set())
    both = [bool(sections.intersection(each)) for each in (_GOOD, _BAD)]
    return "kept" if all(both) else "partly" if any(both) else "claimed"


def _links(ids: list[str]) -> str:
    return ", ".join(f"[{id_}](#{id_})" for id_ in ids)


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", text)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _rule(rule: Rule, examples: Mapping[str, str]) -> str:
    traits = [rule.severity.value, f"mandatory in {_mandatory(rule)}"]
    traits += ["strict"] * rule.strict + ["looks at the whole stack"] * (rule.kind == "stack")
    traits += ["cannot be waived"] * (not rule.waivable)
    lines = [
        f"### {rule.id}\n",
        f"{rule.title}. *{', '.join(traits)}*\n",
        f"**Why:** {rule.why}\n",
        f"**How to fix:** {rule.fix}\n",
        f"**Resources:** {', '.join(f'`{type_}`' for type_ in rule.types)}\n",
    ]
    if rule.controls:
        lines.append(f"**Controls:** {', '.join(rule.controls)}\n")
    if rule.remedy:
        values = ", ".join(f"`{path}: {json.dumps(value)}`" for path, value in rule.remedy.items())
        lines.append(f"**Remedy:** {values}, at the level `remediate`\n")
    for key, schema in rule.config.items():
        lines.append(f"**Configuration:** `{key}` ({schema['type']}), default `{schema['default']}`\n")
    for title, section in (("Violating", "violating"), ("Compliant", "compliant")):
        if section in examples:
            lines.append(f"{title}:\n\n```yaml\n{examples[section]}\n```\n")
    return "\n".join(lines)


def _examples() -> dict[str, dict[str, str]]:
    """Return the first example of each section, as it is written, by rule."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(FIXTURES.glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(document, yaml.MappingNode):
            continue
        for rule, sections in document.value:
            if isinstance(sections, yaml.MappingNode):
                found[rule.value] = {
                    section.value: _snippet(text, cases.value[0])
                    for section, cases in sections.value
                    if isinstance(cases, yaml.SequenceNode) and cases.value
                }
    return found


def _snippet(text: str, node: yaml.Node) -> str:
    """Return a node's own lines, moved to the left."""
    lines = text[node.start_mark.index : node.end_mark.index].rstrip().splitlines()
    indent = " " * node.start_mark.column
    return "\n".join(line.removeprefix(indent) for line in lines)
