"""Secrets in plain text, wherever they stand."""

from collections.abc import Mapping

from policy import resource_types as types
from policy.literals import literals
from policy.properties import Findings, parse
from policy.registry import CRITICAL, Context, rule
from policy.view import Resource

_BY_OTHERS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    types.SECRET_VERSION: ("secretString", "secretBinary", "secretStringWo"),
    types.FUNCTION: ("environment",),
    (*types.LAUNCH_TEMPLATE, *types.INSTANCE): ("userData", "userDataBase64"),
    (*types.RDS_CLUSTER, *types.RDS_INSTANCE): ("masterPassword", "password"),
    types.CONFIG_MAP: ("data",),
    types.K8S_SECRET: ("data", "stringData"),
}
"""Properties that a rule of their own looks at."""
_GENERATORS = ("random:", "tls:", "pulumi:pulumi:StackReference")
"""What makes secrets, and is not given them."""


@rule(
    "secret-literal",
    "No secret stands in plain text",
    types=("*",),
    severity=CRITICAL,
    controls=("CKV_AWS_41",),
    why="Who may read the program, its state, or what it deploys, has the secret; it stays in their history.",
    fix="Read it from Secrets Manager where it is used, or from pulumi.Config().require_secret().",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def plain_text(resource: Resource, context: Context) -> Findings:
    if resource.type.startswith(_GENERATORS):
        return
    elsewhere = {path for kinds, paths in _BY_OTHERS.items() if resource.type in kinds for path in paths}
    for path in literals(resource.inputs.value):
        steps = parse(path)
        if steps[0] in elsewhere or path in context.config["allowed"] or _is_variable(resource, steps):
            continue
        yield path, "a secret in plain text"


def _is_variable(resource: Resource, steps: tuple[str | int, ...]) -> bool:
    """Whether it is a variable of a container, which has a rule of its own."""
    return resource.type in types.WORKLOADS and "env" in steps
