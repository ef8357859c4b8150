"""How long AWS and the cluster take over an operation: the one table, for predictions and for the fake's pace.

Every figure is what a log says whose address is given: of several, the one nearest to the middle of all that were
found. Rows without an address are estimates, and so are whatever has no row, and all updates and deletions. Single runs
differ: control planes took between 6 min 42 s and 11 min 3 s in thirteen logs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Inputs = Mapping[str, Any]
Verb = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Duration:
    """How long an operation takes, and who says so."""

    seconds: float
    sources: tuple[str, ...] = ()
    """Addresses of logs; none for an estimate."""
    when: Callable[[Inputs], bool] = lambda _: True
    """Of a type with several rows: whether this one is for a resource with these inputs. The first that is, counts."""

    @property
    def estimate(self) -> bool:
        return not self.sources


_POSTS = "https://github.com/sirzzang/sirzzang.github.io/blob"
_EKS_LOG = (
    f"{_POSTS}/313c495df1f7608e839f5434782d893b664be316/_posts/"
    "2026-03-12-Kubernetes-EKS-01-01-02-Installation-Result.md"
)
_GPU_LOG = (
    f"{_POSTS}/71c28366f3f849153a4a5794a6c0b671d7ac5f0c/_posts/"
    "2026-04-09-Kubernetes-EKS-GPU-TroubleShooting-02-02-Installation-Result.md"
)
_AURORA_LOG = "https://github.com/anpavlovsk/Terraform-AWS-Secrets-Manager/blob/08fded35beeafc6bc47e7556b47bc906d39fe36c/README.md"
_LOAD_BALANCER_LOG = (
    "https://github.com/antonakv/tf-aws-activeactive-agents/blob/4cfa4af66ae469e00cbc05300e4039611ff17970/README.md"
)
_NODES_LOG = "https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2203"
_CLUSTER_LOG = "https://github.com/DevopsArtFactory/terraform-provisioning/pull/46"
_ACCESS_LOG = "https://github.com/DevopsArtFactory/terraform-provisioning/pull/47"
_CACHE_LOG = "https://github.com/turbot/steampipe-plugin-aws/pull/454"
_PARAMETERS_LOG = "https://github.com/turbot/steampipe-plugin-aws/pull/534"
_RECORD_LOG = "https://github.com/hashicorp/terraform-provider-aws/pull/11300"
_SERVICE_ROLE_LOG = "https://github.com/turbot/steampipe-plugin-aws/pull/178"
_MONITORING_LOG = (
    "https://github.com/fernandomullerjr/eks-via-terraform-github-actions/blob/"
    "62fd841e01aff86f138d19f563322b66e216c9f1/09-eks-blueprint/rascunho-lab9.md"
)
_ARGO_LOG = (
    "https://github.com/cryptophobic/ML-OPS-CI-CD-classes/blob/84ca5b62f47edf822a5aac991a6b7aa83a492a21/PROOF.md"
)
_CERTIFICATE_LOG = "https://github.com/hashicorp/terraform/issues/33507"


def _addon(*names: str) -> Callable[[Inputs], bool]:
    return lambda inputs: inputs.get("addonName") in names


def _chart(name: str) -> Callable[[Inputs], bool]:
    """Match releases of a chart, be it named by itself or by the path of its archive."""
    named = re.compile(rf"(.*/)?{re.escape(name)}(-\d+\.\d+\.\d+\.tgz)?")
    return lambda inputs: named.fullmatch(str(inputs.get("chart"))) is not None


def _is_empty(inputs: Inputs) -> bool:
    return inputs.get("scalingConfig", {}).get("desiredSize") == 0


def _is_reader(inputs: Inputs) -> bool:
    # Aurora takes the first of the lowest tier as the writer; a reader that is asked for at the same time waits for it.
    return inputs.get("promotionTier", 0) > 0


CREATE: Mapping[str, tuple[Duration, ...]] = {
    "aws:acm/certificate:Certificate": (Duration(11, (_CERTIFICATE_LOG,)),),
    # Logs without an address say between none and 4 min 25 s, 1 min 29 s in the middle.
    "aws:acm/certificateValidation:CertificateValidation": (Duration(89),),
    "aws:ec2/eip:Eip": (Duration(1, (_LOAD_BALANCER_LOG,)),),
    "aws:ec2/launchTemplate:LaunchTemplate": (Duration(6),),
    "aws:ec2/natGateway:NatGateway": (Duration(104, (_LOAD_BALANCER_LOG,)),),
    "aws:ec2/routeTable:RouteTable": (Duration(1, (_LOAD_BALANCER_LOG,)),),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (Duration(1, (_NODES_LOG,)),),
    "aws:ec2/securityGroup:SecurityGroup": (Duration(2, (_GPU_LOG,)),),
    "aws:ec2/subnet:Subnet": (
        # The provider waits until addresses are given out.
        Duration(10, (_NODES_LOG,), lambda inputs: bool(inputs.get("mapPublicIpOnLaunch"))),
        Duration(3, (_GPU_LOG, _CACHE_LOG)),
    ),
    "aws:ec2/vpc:Vpc": (Duration(11, (_CACHE_LOG,)),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Duration(6, when=lambda inputs: inputs.get("vpcEndpointType") == "Gateway"),
        Duration(90),
    ),
    "aws:eks/accessEntry:AccessEntry": (Duration(1, (_ACCESS_LOG,)),),
    "aws:eks/addon:Addon": (
        Duration(24, (_EKS_LOG,), _addon("vpc-cni")),
        # A daemon set is called active at once where there is no node yet; measured before nodes, like vpc-cni.
        Duration(24, when=_addon("eks-pod-identity-agent", "kube-proxy")),
        Duration(15, (_GPU_LOG,), _addon("coredns")),
        Duration(55, (_GPU_LOG,), _addon("metrics-server")),
        # Seven logs, none with an address: 45 s to 1 min 5 s.
        Duration(54),
    ),
    "aws:eks/cluster:Cluster": (Duration(564, (_GPU_LOG, _CLUSTER_LOG, _EKS_LOG)),),
    "aws:eks/nodeGroup:NodeGroup": (Duration(58, (_GPU_LOG,), _is_empty), Duration(129, (_EKS_LOG, _GPU_LOG))),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        # Five logs say between 5 min 37 s and 9 min 15 s, without the number of nodes: the longest for more than one.
        Duration(555, when=lambda inputs: inputs.get("numCacheClusters", 1) > 1),
        Duration(358, (_LOAD_BALANCER_LOG,)),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (Duration(2, (_CACHE_LOG,)),),
    "aws:iam/policy:Policy": (Duration(1, (_GPU_LOG,)),),
    "aws:iam/role:Role": (Duration(1, (_GPU_LOG,)),),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": (Duration(3, (_SERVICE_ROLE_LOG,)),),
    # The provider waits until the key's policy is the same everywhere.
    "aws:kms/key:Key": (Duration(28, (_GPU_LOG,)),),
    "aws:lb/listener:Listener": (Duration(1, (_LOAD_BALANCER_LOG,)),),
    "aws:lb/loadBalancer:LoadBalancer": (Duration(121, (_LOAD_BALANCER_LOG,)),),
    # No log says it. AWS says 15 to 30 minutes, "but can take longer"
    # (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/gsgcreate-domain.html): the middle. The
    # provider looks for the first time after ten (https://github.com/hashicorp/terraform-provider-aws/issues/45244);
    # some see an hour (https://github.com/hashicorp/terraform-provider-aws/issues/33897).
    "aws:opensearch/domain:Domain": (Duration(1350),),
    "aws:rds/cluster:Cluster": (Duration(43, (_AURORA_LOG,)),),
    "aws:rds/clusterInstance:ClusterInstance": (
        Duration(741, (_AURORA_LOG,), _is_reader),
        Duration(381, (_AURORA_LOG,)),
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": (Duration(10, (_PARAMETERS_LOG,)),),
    # Until the change is INSYNC.
    "aws:route53/record:Record": (Duration(37, (_RECORD_LOG,)),),
    # Images are pulled and pods become ready; a job, too, is over when its pod is.
    "kubernetes:batch/v1:Job": (Duration(27),),
    "kubernetes:helm.sh/v3:Release": (
        # Terraform waits for the same. Four logs say between 59 s and 3 min 42 s.
        Duration(182, (_MONITORING_LOG,), _chart("kube-prometheus-stack")),
        # Nine logs say between 18 s and 3 min 24 s, 1 min 5 s in the middle; this one is of EKS.
        Duration(50, (_ARGO_LOG,), _chart("argo-cd")),
        # Definitions alone: no pod, a call each.
        Duration(1, (), lambda inputs: "-crds-" in str(inputs.get("chart"))),
        # Eleven logs of charts with a controller or a daemon set, without an address: 6 s to 2 min 30 s.
        Duration(27),
    ),
}

_UPDATE: Mapping[str, float] = {
    "aws:eks/addon:Addon": 60,
    "aws:eks/cluster:Cluster": 600,
    "aws:eks/nodeGroup:NodeGroup": 900,
    "aws:elasticache/replicationGroup:ReplicationGroup": 600,
    "aws:rds/cluster:Cluster": 60,
    "aws:rds/clusterInstance:ClusterInstance": 300,
}
"""Seconds, all of them estimates."""

_DELETE: Mapping[str, float] = {
    "aws:ec2/natGateway:NatGateway": 60,
    "aws:ec2/vpcEndpoint:VpcEndpoint": 60,
    "aws:eks/addon:Addon": 20,
    "aws:eks/cluster:Cluster": 120,
    "aws:eks/nodeGroup:NodeGroup": 300,
    "aws:elasticache/replicationGroup:ReplicationGroup": 420,
    "aws:lb/loadBalancer:LoadBalancer": 20,
    "aws:rds/cluster:Cluster": 60,
    "aws:rds/clusterInstance:ClusterInstance": 420,
    "aws:route53/record:Record": 37,
}
"""Seconds, all of them estimates."""

_CALL = 1.0
"""Seconds for whatever has no row: one call, or one and the wait for its result."""


def duration(type_: str, verb: Verb, inputs: Inputs) -> Duration:
    """Return how long it takes to create, update or delete a resource of this type with these inputs."""
    if type_.startswith("pulumi:"):
        return Duration(0)  # the engine's own: nothing is asked of any service
    if verb == "create":
        return next((row for row in CREATE.get(type_, ()) if row.when(inputs)), Duration(_CALL))
    return Duration((_UPDATE if verb == "update" else _DELETE).get(type_, _CALL))
