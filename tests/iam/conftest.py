"""The roles of prod, as IAM knows them after the first update."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from support import record_with, recorded

from fakes.iam.evaluator import Caller, Decision, Statement, decide
from fakes.iam.roles import callers, statements
from prismctl.project import ROOT, Project
from recording.graph import Graph

_AWS = json.loads(Project(ROOT).config("prod")["ai-prism:aws"])
ACCOUNT, REGION = _AWS["account_id"], _AWS["region"]
STATE_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
STATE_BUCKET = "states-of-the-platform"
DELIVERY = {"repository": "acme/infra", "state_key_arn": STATE_KEY, "state_bucket": STATE_BUCKET}


@dataclass(frozen=True)
class Iam:
    """What a stack made, and who may do what with it."""

    graph: Graph
    callers: Mapping[str, Caller]

    def arn(self, type_: str, name: str = "") -> str:
        """Return the ARN of the one resource of a type, or of the one with a name."""
        (found,) = [each for each in self.graph.of_type(type_) if not name or each.name == name]
        return str(found.outputs["arn"])

    def may(self, role: str | Caller, action: str, resource: str = "*", **context: Any) -> Decision:
        """Ask for a role, by its name or as itself; keys of the context have `__` for their colon."""
        keys = {key.replace("__", ":", 1): value for key, value in context.items()}
        return decide(
            role if isinstance(role, Caller) else self.callers[role],
            action,
            resource,
            policy=self.policies.get(resource.removesuffix("/*").split("/customers/")[0]),
            context={"aws:RequestedRegion": REGION, "aws:SecureTransport": "true", **keys},
        )

    @functools.cached_property
    def policies(self) -> Mapping[str, Sequence[Statement]]:
        """The policies of keys and buckets, by ARN."""
        keys = {each.outputs["arn"]: statements(each["policy"]) for each in self.graph.of_type("aws:kms/key:Key")}
        buckets = {
            f"arn:aws:s3:::{each['bucket']}": statements(each["policy"])
            for each in self.graph.of_type("aws:s3/bucketPolicy:BucketPolicy")
        }
        return {**keys, **buckets}

    def made_by_a_deployment(self) -> Caller:
        """Return a role that a deployment could make for itself: all rights, within the boundary."""
        deploy = self.callers["delivery-deploy"]
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        return Caller(
            arn=f"arn:aws:iam::{ACCOUNT}:role/ai-prism/prod/mine", identity=[everything], boundary=deploy.boundary
        )


def _iam(graph: Graph) -> Iam:
    return Iam(graph, callers(graph.resources))


@functools.cache
def _prod() -> Iam:
    return _iam(record_with("prod", delivery=json.dumps(DELIVERY)))


@pytest.fixture
def iam() -> Iam:
    """Return prod's roles, with the state in the same account."""
    return _prod()


@functools.cache
def _of(stack: str) -> Iam:
    return _iam(recorded(stack, known=True))


@pytest.fixture(params=["dev", "prod"])
def each_iam(request: pytest.FixtureRequest) -> Iam:
    """Return the roles of a stack without OpenSearch, and of one with it."""
    return _of(request.param)
