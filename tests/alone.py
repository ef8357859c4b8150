"""One component alone, built with values that the test chooses, and what it registered."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi

from components.iam_roles import RoleFactory
from components.log_groups import LogGroupFactory
from components.providers import make_aws_provider, use
from components.stack_context import StackContext
from prismctl.project import ROOT
from recording.graph import PROVIDER_PREFIX, STACK_TYPE, Graph, Resource
from recording.recorder import record_call

CONTEXT = StackContext("test", "123456789012", "us-east-1", "prod")
KEY_ARN = CONTEXT.arn("kms", "key/11111111-2222-3333-4444-555555555555")
ROLES = RoleFactory(path="/ai-prism/test/", boundary_arn=CONTEXT.iam_arn("policy/ai-prism/test/boundary"))
LOG_GROUPS = LogGroupFactory(key_arn=CONTEXT.arn("kms", "key/99999999-8888-7777-6666-555555555555"), retention_days=60)


def build(make: Callable[[pulumi.ResourceOptions], object], *, known: bool = True) -> Graph:
    """Return what `make` registers; it takes options that put a component on the provider of a test account.

    With `known`, computed values are synthetic ones, as after an update; without, they are unknown. Whichever component
    it is, what is wrong with any of its resources (`faults`) is raised as an AssertionError.
    """
    graph = record_call(lambda: make(use(make_aws_provider(CONTEXT))), ROOT, "ai-prism", CONTEXT.stack, known=known)
    found = [*faults(graph)]
    assert not found, "\n".join(found)
    return graph


def faults(graph: Graph) -> Iterator[str]:
    """Yield what no resource of a component may be, each with the resource's name."""
    components = [each for each in graph.resources if each.type.startswith("ai-prism:")]
    for each in graph.resources:
        if not each.custom or each.type.startswith(PROVIDER_PREFIX):
            continue
        if not each.provider:
            yield f"{each.name}: has no explicit provider, and might be made in another account or cluster"
        if components and _is_the_programs(each) and graph.by_urn[each.parent or ""].type == STACK_TYPE:
            yield f"{each.name}: lies outside its component, whose options and dependencies do not count for it"
        yield from (f"{each.name}: {fault}" for fault in (*_of_policies(each), *_of_rules(each)))
    for each in components:
        if _is_the_programs(each) and graph.by_urn[each.parent or ""].type == STACK_TYPE:
            yield f"{each.name}: lies outside the component that makes it"


def _is_the_programs(resource: Resource) -> bool:
    """Return whether a component made it, and not the test."""
    return bool(resource.source) and str(resource.source).startswith("components/")


def _of_policies(resource: Resource) -> Iterator[str]:
    """Yield what is wrong with IAM's documents: AWS refuses them, or they allow nothing."""
    for key, text in resource.inputs.items():
        if not isinstance(text, str) or '"Statement"' not in text:
            continue
        document = json.loads(text)
        if document.get("Version") != "2012-10-17":
            yield f"{key} is of another version of the language"
        if not document["Statement"]:
            yield f"{key} has no statement"
        trust = key == "assumeRolePolicy"
        identity = resource.type.startswith("aws:iam/") and not trust
        for statement in document["Statement"]:
            yield from (f"{key}: {fault}" for fault in _of_statement(statement, trust=trust, identity=identity))


def _of_statement(statement: dict[str, Any], *, trust: bool, identity: bool) -> Iterator[str]:
    """Yield what is wrong with a statement of a role's trust, of an identity's grants, or else of a resource's policy.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "a statement neither allows nor denies"
    if not (statement.get("Action") or statement.get("NotAction")):
        yield "a statement has no action"
    if trust == bool(statement.get("Resource") or statement.get("NotResource")):
        yield "a statement has a resource where it trusts, or none where it grants"
    if identity == bool(statement.get("Principal") or statement.get("NotPrincipal")):
        yield "a statement has a principal where its identity is the principal, or none where somebody has to be named"
    if "Condition" in statement and not statement["Condition"]:
        yield "a statement has a condition that always holds"


def _of_rules(resource: Resource) -> Iterator[str]:
    """Yield what is wrong with a rule of a security group."""
    if not resource.type.startswith("aws:vpc/securityGroup"):
        return
    peers = {"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"} & resource.inputs.keys()
    if len(peers) != 1:
        yield f"names {len(peers)} peers instead of one"
    if not resource.get("description"):
        yield "does not say whom it lets in"
    if resource.get("ipProtocol") != "tcp" or resource.get("fromPort") != resource.get("toPort"):
        yield "opens more than one port of TCP"
    if not resource.get("fromPort"):
        yield "opens no port"
