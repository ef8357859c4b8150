"""Speed and memory of the policies: the second part of `make bench`."""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# All rules on the four recorded stacks, after everything is imported and recorded.
RULES = """
import gc, sys, time
gc.disable()
sys.path.insert(0, "tests")
from support import STACKS, recorded
from policy.registry import rules
from prismctl.stack_policies import check
graphs = [recorded(stack, known=known) for known in (False, True) for stack in STACKS]
rules()
# Inputs are decoded on first use: a run for those that were looked at by nobody else.
started = time.process_time()
first = sum(sum(check(graph).satisfied.values()) for graph in graphs[:4])
once = time.process_time() - started
started = time.process_time()
for graph in graphs[4:]:
    check(graph)
print(once, time.process_time() - started, len(rules()), first)
"""

# The question of the engine about each resource, asked in three ways.
PACK = """
import dataclasses, gc, sys, time
gc.disable()
sys.path[:0] = ["tests", "tests/policy"]
import test_adapter as asked
import pulumi_policy
from recording.sdk import hand_over_undecoded, policy_servicer
from support import recorded
graph = recorded("prod", known=False)
# The SDK fails on references to resources, which only this component has among its inputs.
plain = [each for each in graph.resources if each.type != "eks:index:Cluster"]
graph = dataclasses.replace(graph, resources=tuple(plain))
questions = [asked.request(dict(each.inputs), each.type, each.urn) for each in plain]
stack = asked.analyzer_pb2.AnalyzeStackRequest(resources=asked.analyzer_resources(graph))
way = sys.argv[1]
if way == "ours":
    hand_over_undecoded(asked._Sent, asked._Sent.encoded)
    serving = asked.servicer()
else:
    from policy.registry import rules
    of = {"resource": pulumi_policy.ResourceValidationPolicy, "stack": pulumi_policy.StackValidationPolicy}
    kinds = [rule.kind for rule in rules()] if way == "many" else ["resource", "resource", "stack", "stack"]
    policies = [of[kind](f"p{number}", "p", lambda args, report: None) for number, kind in enumerate(kinds)]
    serving = policy_servicer()("pack", "1", policies, pulumi_policy.EnforcementLevel.MANDATORY)
started = time.process_time()
for question in questions:
    serving.Analyze(question, None)
serving.AnalyzeStack(stack, None)
print(time.process_time() - started, len(questions))
"""


def state(copies: int) -> dict:
    """Return an exported state: the platform as it is in prod, several times over."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import recorded

    from prismctl.render import plan

    steps = plan.render(recorded("prod", known=True), {}, 1)["steps"]
    text = json.dumps([step["newState"] for step in steps])
    resources: list[dict] = []
    for copy in range(copies):
        # Another project's names and ids, so that nothing refers from one copy to another.
        renamed = re.sub(r"::ai-prism::", f"::copy{copy}::", text)
        resources += json.loads(re.sub(r"-([0-9a-f]{7,17})\b", rf"-{copy:04x}\1", renamed))
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources}}


def measure() -> None:
    """Print the figures, each with what it may be."""
    from bench import run, say

    say("policies")
    once, again, number, passed = run(sys.executable, "-c", RULES).output.split()
    verdict = "ok" if float(once) < 0.4 and float(again) < 0.4 else "MISSED"
    say(
        f"  {number} rules, four stacks, {passed} checks passed: {float(once):.2f} CPU s on empty accounts,"
        f" {float(again):.2f} after updates (under 0.4): {verdict}"
    )
    sizes: dict[int, float] = {}
    for copies in (8, 16, 32):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "state.json"
            made = state(copies)
            file.write_text(json.dumps(made))
            count, size = len(made["deployment"]["resources"]), file.stat().st_size / 2**20
            del made
            cost = run("bash", "-c", f"{sys.executable} -m prismctl policies --state {file} > /dev/null || test $? = 1")
        sizes[count] = cost.wall
        good = cost.memory <= 600 and (cost.wall < 5 or count < 9_900)
        taken = f"{cost.wall:.1f} s wall, {cost.cpu:.1f} CPU s, {cost.memory:.0f} MB"
        say(
            f"  a state of {count} resources, {size:.0f} MB: {taken}"
            f" (10,000: under 5 s and 600 MB): {'ok' if good else 'MISSED'}"
        )
    (small, _), (large, _) = min(sizes.items()), max(sizes.items())
    growth = (sizes[large] / large) / (sizes[small] / small)
    verdict = "ok" if growth <= 1.2 else "MISSED"
    say(f"  time per resource, largest against smallest: {growth:.2f} (linear: at most 1.2): {verdict}")
    say("  answering the engine about each resource of prod, and about the stack")
    for way, what in (
        ("few", "4 policies, decoded by the SDK, no rules"),
        ("many", "a policy for each rule, decoded by the SDK, no rules"),
        ("ours", "a policy for each rule, decoded once, with all rules"),
    ):
        seconds, questions = run(sys.executable, "-c", PACK, way).output.split()
        say(f"    {what}: {float(seconds):.2f} CPU s for {questions} resources")


if __name__ == "__main__":
    os.environ.setdefault("AI_PRISM_TODAY", "2026-11-23")
    measure()
