"""The same resources in the order in which CloudFormation would make them, as one stack of the strategy's CDK program.

What is modelled: a resource starts as soon as everything is there that it refers to, however many run at once, and each
takes as long as it takes under Pulumi. What it refers to is what it refers to here; what our program orders beyond that
(add-ons before nodes, nodes before add-ons that need them) stays, since it would have to be declared there too. Added
is what the constructs of the strategy document's program declare on their own. It makes `new eks.Cluster` with the VPC
that it made before and `EndpointAccess.PUBLIC_AND_PRIVATE`, and adds its node groups to it, in one `cdk.Stack`.

What is not modelled, each in CloudFormation's favour: its checks for eventual consistency (since 2024 what depends on a
resource may start before they end,
https://aws.amazon.com/about-aws/whats-new/2024/03/aws-cloudformation-40-percent-faster-stack-creation/); the time to
synthesize, upload assets and compute the change set; the second nested stack that runs kubectl, and the `aws-auth`
manifest that goes through it, for which our program has access entries instead; the VPC's endpoints and flow log, which
the strategy's program does not make, and whose place in the VPC's construct would make the cluster wait for them too.
Constructs that add nothing to what our program waits for have no rule: NAT gateways wait for the public route, the load
balancer for its subnets' way to the internet, and database instances, in isolated subnets, for none.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.timeline.schedule import Needs, Operation, Schedule, needs, times

from recording.graph import Graph, Resource

_CDK = "https://github.com/aws/aws-cdk/blob/02a84ec5649c00f02d1620c7e2c12737a85df313/packages/aws-cdk-lib"
CLUSTER = "aws:eks/cluster:Cluster"
_IN_VPC = frozenset(
    f"aws:ec2/{name[0].lower()}{name[1:]}:{name}"
    for name in (
        "Vpc",
        "Subnet",
        "InternetGateway",
        "RouteTable",
        "RouteTableAssociation",
        "Route",
        "Eip",
        "NatGateway",
    )
)
"""What the CDK's construct `Vpc` holds."""
HANDLER = "urn:cloudformation:stack::cluster-resource-provider"
_HANDLER_SECONDS = 184
"""In the one log that says it, from 18:34:25 to 18:37:29, after which the cluster started at once."""
_POLL_SECONDS = 60


@dataclass(frozen=True)
class Rule:
    """Something that makes CloudFormation wait where Pulumi does not."""

    says: str
    source: str


WHOLE_VPC = Rule(
    "The control plane waits for the whole VPC, NAT gateways and their routes included",
    # In a synthesized template: https://github.com/aws/aws-cdk/issues/22005
    f"{_CDK}/aws-eks/lib/cluster.ts (this._clusterResource.node.addDependency(this.vpc), with private access)",
)
CUSTOM_RESOURCE = Rule(
    "The control plane is a custom resource: its handlers are made first, by a nested stack that took 3 min 4 s",
    f"{_CDK}/aws-eks/lib/cluster-resource-provider.ts, https://github.com/aws/aws-cdk/issues/13079",
)
POLLING = Rule(
    "The custom resource asks once a minute whether the control plane is there",
    f"{_CDK}/aws-eks/lib/cluster-resource-provider.ts (queryInterval: Duration.minutes(1))",
)
RULES = (WHOLE_VPC, CUSTOM_RESOURCE, POLLING)


def order(graph: Graph, seconds: Callable[[Resource], float], rules: Iterable[Rule] = RULES) -> Schedule:
    """Return the schedule of CloudFormation with these of its rules."""
    rules = frozenset(rules)
    waits = _waits(graph, rules)

    def takes(urn: str) -> float:
        if urn == HANDLER:
            return _HANDLER_SECONDS
        resource = graph.by_urn[urn]
        if resource.type == CLUSTER and POLLING in rules:
            return math.ceil(seconds(resource) / _POLL_SECONDS) * _POLL_SECONDS
        return seconds(resource)

    return Schedule(
        tuple(
            Operation(
                urn=urn,
                type=graph.by_urn[urn].type if urn in graph.by_urn else "AWS::CloudFormation::Stack",
                name=graph.by_urn[urn].name if urn in graph.by_urn else "cluster-resource-provider",
                started=started,
                ended=ended,
                needs=waits[urn],
            )
            for urn, (started, ended) in times(waits, takes).items()
        )
    )


def _waits(graph: Graph, rules: frozenset[Rule]) -> Needs:
    waits = dict(needs(graph))
    before: set[str] = set()
    if WHOLE_VPC in rules:
        before |= {resource.urn for resource in graph.of_type(*_IN_VPC)}
    if CUSTOM_RESOURCE in rules:
        before.add(HANDLER)
        waits[HANDLER] = frozenset()
    for cluster in graph.of_type(CLUSTER):
        waits[cluster.urn] |= before
    return waits
