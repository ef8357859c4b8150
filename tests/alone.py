"""One component alone, built with values that the test chooses, and what it registered."""

from collections.abc import Callable

import pulumi

from components.iam_roles import RoleFactory
from components.log_groups import LogGroupFactory
from components.providers import make_aws_provider, use
from components.stack_context import StackContext
from prismctl.project import ROOT
from recording.graph import Graph
from recording.recorder import record_call

CONTEXT = StackContext("test", "123456789012", "us-east-1", "prod")
KEY_ARN = CONTEXT.arn("kms", "key/11111111-2222-3333-4444-555555555555")
ROLES = RoleFactory(path="/ai-prism/test/", boundary_arn=CONTEXT.iam_arn("policy/ai-prism/test/boundary"))
LOG_GROUPS = LogGroupFactory(key_arn=CONTEXT.arn("kms", "key/99999999-8888-7777-6666-555555555555"), retention_days=60)


def build(make: Callable[[pulumi.ResourceOptions], object], *, known: bool = True) -> Graph:
    """Return what `make` registers; it takes options that put a component on the provider of a test account.

    With `known`, computed values are synthetic ones, as after an update; without, they are unknown.
    """
    return record_call(lambda: make(use(make_aws_provider(CONTEXT))), ROOT, "ai-prism", CONTEXT.stack, known=known)
