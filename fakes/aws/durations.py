"""How long real services take over an operation, so that a run on fakes can foretell the time of a real one.

Every figure is what a log says whose address is given: of several, the one nearest to the middle of all that were
found. Rows without an address are estimates, and so is what falls back on the default. Single runs differ: control
planes took between 6 min 42 s and 11 min 3 s in thirteen logs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Inputs = Mapping[str, Any]
Kind = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Duration:
    """How long an operation takes, and who says so."""

    seconds: float
    source: str = ""
    """Addresses of the logs, separated by spaces."""
    estimate: bool = False
    """Whether nobody's log says so."""


@dataclass(frozen=True)
class Row:
    """A duration, for those resources of a type whose inputs it is `when` of."""

    seconds: float
    sources: tuple[str, ...] = ()
    when: Callable[[Inputs], bool] = lambda _: True


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
_ENTRANCE_LOG = (
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


_CREATE: Mapping[str, tuple[Row, ...]] = {
    "aws:acm/certificate:Certificate": (Row(11, (_CERTIFICATE_LOG,)),),
    # Logs without an address say between none and 4 min 25 s, 1 min 29 s in the middle.
    "aws:acm/certificateValidation:CertificateValidation": (Row(89),),
    "aws:ec2/eip:Eip": (Row(1, (_ENTRANCE_LOG,)),),
    "aws:ec2/launchTemplate:LaunchTemplate": (Row(6),),
    "aws:ec2/natGateway:NatGateway": (Row(104, (_ENTRANCE_LOG,)),),
    "aws:ec2/routeTable:RouteTable": (Row(1, (_ENTRANCE_LOG,)),),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (Row(1, (_NODES_LOG,)),),
    "aws:ec2/securityGroup:SecurityGroup": (Row(2, (_GPU_LOG,)),),
    "aws:ec2/subnet:Subnet": (
        # The provider waits until addresses are given out.
        Row(10, (_NODES_LOG,), lambda inputs: bool(inputs.get("mapPublicIpOnLaunch"))),
        Row(3, (_GPU_LOG, _CACHE_LOG)),
    ),
    "aws:ec2/vpc:Vpc": (Row(11, (_CACHE_LOG,)),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Row(6, when=lambda inputs: inputs.get("vpcEndpointType") == "Gateway"),
        Row(90),
    ),
    "aws:eks/accessEntry:AccessEntry": (Row(1, (_ACCESS_LOG,)),),
    "aws:eks/addon:Addon": (
        Row(24, (_EKS_LOG,), _addon("vpc-cni")),
        # A daemon set is called active at once where there is no node yet; measured before nodes, like vpc-cni.
        Row(24, when=_addon("eks-pod-identity-agent", "kube-proxy")),
        Row(15, (_GPU_LOG,), _addon("coredns")),
        Row(55, (_GPU_LOG,), _addon("metrics-server")),
        # Seven logs, none with an address: 45 s to 1 min 5 s.
        Row(54),
    ),
    "aws:eks/cluster:Cluster": (Row(564, (_GPU_LOG, _CLUSTER_LOG, _EKS_LOG)),),
    "aws:eks/nodeGroup:NodeGroup": (Row(58, (_GPU_LOG,), _is_empty), Row(129, (_EKS_LOG, _GPU_LOG))),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        # Five logs say between 5 min 37 s and 9 min 15 s, without the number of nodes: the longest for more than one.
        Row(555, when=lambda inputs: inputs.get("numCacheClusters", 1) > 1),
        Row(358, (_ENTRANCE_LOG,)),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (Row(2, (_CACHE_LOG,)),),
    "aws:iam/policy:Policy": (Row(1, (_GPU_LOG,)),),
    "aws:iam/role:Role": (Row(1, (_GPU_LOG,)),),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": (Row(3, (_SERVICE_ROLE_LOG,)),),
    # The provider waits until the key's policy is the same everywhere.
    "aws:kms/key:Key": (Row(28, (_GPU_LOG,)),),
    "aws:lb/listener:Listener": (Row(1, (_ENTRANCE_LOG,)),),
    "aws:lb/loadBalancer:LoadBalancer": (Row(121, (_ENTRANCE_LOG,)),),
    # No log says it. AWS says 15 to 30 minutes, "but can take longer"
    # (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/gsgcreate-domain.html): the middle. The
    # provider looks for the first time after ten (https://github.com/hashicorp/terraform-provider-aws/issues/45244);
    # some see an hour (https://github.com/hashicorp/terraform-provider-aws/issues/33897).
    "aws:opensearch/domain:Domain": (Row(1350),),
    "aws:rds/cluster:Cluster": (Row(43, (_AURORA_LOG,)),),
    "aws:rds/clusterInstance:ClusterInstance": (Row(741, (_AURORA_LOG,), _is_reader), Row(381, (_AURORA_LOG,))),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": (Row(10, (_PARAMETERS_LOG,)),),
    # Until the change is INSYNC.
    "aws:route53/record:Record": (Row(37, (_RECORD_LOG,)),),
    # Images are pulled and pods become ready; a job, too, is over when its pod is.
    "kubernetes:batch/v1:Job": (Row(27),),
    "kubernetes:helm.sh/v3:Release": (
        # Terraform waits for the same. Four logs say between 59 s and 3 min 42 s.
        Row(182, (_MONITORING_LOG,), _chart("kube-prometheus-stack")),
        # Nine logs say between 18 s and 3 min 24 s, 1 min 5 s in the middle; this one is of EKS.
        Row(50, (_ARGO_LOG,), _chart("argo-cd")),
        # Definitions alone: no pod, a call each.
        Row(1, (), lambda inputs: "-crds-" in str(inputs.get("chart"))),
        # Eleven logs of charts with a controller or a daemon set, without an address: 6 s to 2 min 30 s.
        Row(27),
    ),
}

_UPDATE: Mapping[str, tuple[Row, ...]] = {
    "aws:eks/addon:Addon": (Row(60),),
    "aws:eks/cluster:Cluster": (Row(600),),
    "aws:eks/nodeGroup:NodeGroup": (Row(900),),
    "aws:elasticache/replicationGroup:ReplicationGroup": (Row(600),),
    "aws:rds/cluster:Cluster": (Row(60),),
    "aws:rds/clusterInstance:ClusterInstance": (Row(300),),
}

_DELETE: Mapping[str, tuple[Row, ...]] = {
    "aws:ec2/natGateway:NatGateway": (Row(60),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (Row(60),),
    "aws:eks/addon:Addon": (Row(20),),
    "aws:eks/cluster:Cluster": (Row(120),),
    "aws:eks/nodeGroup:NodeGroup": (Row(300),),
    "aws:elasticache/replicationGroup:ReplicationGroup": (Row(420),),
    "aws:lb/loadBalancer:LoadBalancer": (Row(20),),
    "aws:rds/cluster:Cluster": (Row(60),),
    "aws:rds/clusterInstance:ClusterInstance": (Row(420),),
    "aws:route53/record:Record": (Row(37),),
}

_TABLES: Mapping[Kind, Mapping[str, tuple[Row, ...]]] = {"create": _CREATE, "update": _UPDATE, "delete": _DELETE}

_CALL = 1.0
"""What is estimated of a type that is not in the table: one call, or one and the wait for its result."""


def duration(type_: str, operation: Kind, inputs: Inputs) -> Duration:
    """Return how long `operation` takes on a resource of this type with these inputs."""
    if type_.startswith("pulumi:"):
        return Duration(0)  # the engine's own: nothing is asked of any service
    for row in _TABLES[operation].get(type_, ()):
        if row.when(inputs):
            return Duration(row.seconds, " ".join(row.sources), estimate=not row.sources)
    return Duration(_CALL, estimate=True)
