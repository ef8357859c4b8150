"""What AWS and Kubernetes would answer: ids, ARNs and endpoints of resources that were never made, by resource type.

Deterministic (the same resource always gets the same answers), and shaped like the real ones, so that policies,
diagrams and the fakes of the real engine can tell them apart.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Outputs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A resource as its provider sees it when it is made."""

    urn: str
    name: str
    """The logical name."""
    inputs: Mapping[str, Any]
    account_id: str
    region: str

    def token(self, length: int, salt: str = "") -> str:
        """Return hexadecimal digits that belong to this resource alone."""
        return hashlib.sha256(f"{self.urn}{salt}".encode()).hexdigest()[:length]

    def physical_name(self, key: str = "name") -> str:
        """Return the given physical name, or one as auto-naming makes it."""
        return str(self.inputs.get(key) or f"{self.name}-{self.token(7)}")

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}::{self.account_id}:{resource}"


def _ec2(prefix: str, resource: str) -> Callable[[Made], Outputs]:
    """Describe a resource whose id is its prefix and 17 digits, and whose ARN ends in that id."""

    def describe(made: Made) -> Outputs:
        id_ = f"{prefix}-{made.token(17)}"
        return {"id": id_, "arn": made.arn("ec2", f"{resource}/{id_}"), "ownerId": made.account_id}

    return describe


def _child_of(key: str) -> Callable[[Made], Outputs]:
    """Describe a resource that has its owner's id, as most settings of buckets and roles do."""
    return lambda made: {"id": str(made.inputs.get(key, ""))}


def _anonymous(prefix: str) -> Callable[[Made], Outputs]:
    return lambda made: {"id": f"{prefix}-{made.token(10)}"}


def _between(separator: str, *keys: str) -> Callable[[Made], Outputs]:
    """Describe a resource that the provider knows by what it connects."""
    return lambda made: {"id": separator.join(str(made.inputs.get(key, "")) for key in keys)}


def _route(made: Made) -> Outputs:
    kinds = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
    destination = next((str(made.inputs[kind]) for kind in kinds if made.inputs.get(kind)), "")
    # The provider's own hash (routeCreateID in internal/service/ec2/id.go) is this checksum.
    return {"id": f"r-{made.inputs.get('routeTableId')}{zlib.crc32(destination.encode())}"}


def _role(made: Made) -> Outputs:
    name, path = made.physical_name(), str(made.inputs.get("path", "/"))
    unique = f"AROA{made.token(17).upper()}"
    return {"id": name, "name": name, "arn": made.global_arn("iam", f"role{path}{name}"), "uniqueId": unique}


def _policy(made: Made) -> Outputs:
    name, path = made.physical_name(), str(made.inputs.get("path", "/"))
    arn = made.global_arn("iam", f"policy{path}{name}")
    return {"id": arn, "arn": arn, "name": name}


def _role_policy(made: Made) -> Outputs:
    name = made.physical_name()
    return {"id": f"{made.inputs.get('role')}:{name}", "name": name}


def _oidc_provider(made: Made) -> Outputs:
    host = str(made.inputs.get("url", "")).removeprefix("https://")
    arn = made.global_arn("iam", f"oidc-provider/{host}")
    return {"id": arn, "arn": arn, "url": made.inputs.get("url")}


def _uuid(made: Made) -> str:
    digits = made.token(32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _key(made: Made) -> Outputs:
    id_ = _uuid(made)
    return {"id": id_, "keyId": id_, "arn": made.arn("kms", f"key/{id_}")}


def _bucket(made: Made) -> Outputs:
    name = made.physical_name("bucket")
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{made.region}.amazonaws.com",
    }


def _log_group(made: Made) -> Outputs:
    name = made.physical_name()
    return {"id": name, "name": name, "arn": made.arn("logs", f"log-group:{name}")}


def _in_registry(key: str) -> Callable[[Made], Outputs]:
    """Describe what the account's registry knows by a prefix."""
    return lambda made: {"id": str(made.inputs.get(key, "")), "registryId": made.account_id}


def _repository(made: Made) -> Outputs:
    name = made.physical_name()
    return {
        "id": name,
        "name": name,
        "arn": made.arn("ecr", f"repository/{name}"),
        "registryId": made.account_id,
        "repositoryUrl": f"{made.account_id}.dkr.ecr.{made.region}.amazonaws.com/{name}",
    }


def _eks_cluster(made: Made) -> Outputs:
    name = made.physical_name()
    digits = made.token(32).upper()
    return {
        "id": name,
        "name": name,
        "arn": made.arn("eks", f"cluster/{name}"),
        "endpoint": f"https://{digits}.gr7.{made.region}.eks.amazonaws.com",
        "certificateAuthority": {"data": "U1lOVEhFVElD"},
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{made.region}.amazonaws.com/id/{digits}"}]}],
        "vpcConfig": {
            **made.inputs.get("vpcConfig", {}),
            "clusterSecurityGroupId": f"sg-{made.token(17, 'cluster')}",
        },
        "status": "ACTIVE",
    }


def _node_group(made: Made) -> Outputs:
    cluster, name = made.inputs.get("clusterName"), made.physical_name("nodeGroupName")
    return {
        "id": f"{cluster}:{name}",
        "nodeGroupName": name,
        "arn": made.arn("eks", f"nodegroup/{cluster}/{name}/{made.token(8)}"),
        "status": "ACTIVE",
    }


def _addon(made: Made) -> Outputs:
    cluster, addon = made.inputs.get("clusterName"), made.inputs.get("addonName")
    return {"id": f"{cluster}:{addon}", "arn": made.arn("eks", f"addon/{cluster}/{addon}/{made.token(8)}")}


def _pod_identity_association(made: Made) -> Outputs:
    id_ = f"a-{made.token(17)}"
    arn = made.arn("eks", f"podidentityassociation/{made.inputs.get('clusterName')}/{id_}")
    return {"id": id_, "associationId": id_, "associationArn": arn}


def _aurora(made: Made) -> Outputs:
    name = made.physical_name("clusterIdentifier")
    domain = f"{made.token(12)}.{made.region}.rds.amazonaws.com"
    secret = made.arn("secretsmanager", f"secret:rds!cluster-{made.token(36)}")
    return {
        "id": name,
        "clusterIdentifier": name,
        "clusterResourceId": f"cluster-{made.token(26).upper()}",
        "arn": made.arn("rds", f"cluster:{name}"),
        "endpoint": f"{name}.cluster-{domain}",
        "readerEndpoint": f"{name}.cluster-ro-{domain}",
        "engineVersionActual": made.inputs.get("engineVersion"),
        "port": 5432,
        "masterUserSecrets": [{"secretArn": secret, "secretStatus": "active"}],
    }


def _aurora_instance(made: Made) -> Outputs:
    name = made.physical_name("identifier")
    return {
        "id": name,
        "identifier": name,
        "arn": made.arn("rds", f"db:{name}"),
        "endpoint": f"{name}.{made.token(12)}.{made.region}.rds.amazonaws.com",
    }


def _rds_group(kind: str) -> Callable[[Made], Outputs]:
    def describe(made: Made) -> Outputs:
        name = made.physical_name()
        return {"id": name, "name": name, "arn": made.arn("rds", f"{kind}:{name}")}

    return describe


def _replication_group(made: Made) -> Outputs:
    name = made.physical_name("replicationGroupId")
    domain = f"{name}.{made.token(6)}.{made.region}.cache.amazonaws.com"
    return {
        "id": name,
        "replicationGroupId": name,
        "arn": made.arn("elasticache", f"replicationgroup:{name}"),
        "primaryEndpointAddress": f"master.{domain}",
        "readerEndpointAddress": f"replica.{domain}",
        "engineVersionActual": made.inputs.get("engineVersion"),
    }


def _elasticache(kind: str, key: str) -> Callable[[Made], Outputs]:
    def describe(made: Made) -> Outputs:
        name = made.physical_name(key)
        return {"id": name, key: name, "arn": made.arn("elasticache", f"{kind}:{name}")}

    return describe


def _load_balancer(made: Made) -> Outputs:
    name, digits = made.physical_name(), made.token(16)
    suffix = f"app/{name}/{digits}"
    arn = made.arn("elasticloadbalancing", f"loadbalancer/{suffix}")
    return {
        "id": arn,
        "arn": arn,
        "name": name,
        "arnSuffix": suffix,
        "dnsName": f"{name}-{int(made.token(8), 16)}.{made.region}.elb.amazonaws.com",
        "zoneId": f"Z{made.token(13).upper()}",
    }


def _target_group(made: Made) -> Outputs:
    name = made.physical_name()
    suffix = f"targetgroup/{name}/{made.token(16)}"
    arn = made.arn("elasticloadbalancing", suffix)
    return {"id": arn, "arn": arn, "name": name, "arnSuffix": suffix}


def _listener(made: Made) -> Outputs:
    balancer = str(made.inputs.get("loadBalancerArn", "")).replace(":loadbalancer/", ":listener/")
    return {"id": f"{balancer}/{made.token(16)}", "arn": f"{balancer}/{made.token(16)}"}


def _certificate(made: Made) -> Outputs:
    host, arn = made.inputs.get("domainName"), made.arn("acm", f"certificate/{made.token(36)}")
    proof = {
        "domainName": host,
        "resourceRecordName": f"_{made.token(32)}.{host}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{made.token(32, 'value')}.acm-validations.aws.",
    }
    return {"id": arn, "arn": arn, "domainValidationOptions": [proof]}


def _record(made: Made) -> Outputs:
    name = str(made.inputs.get("name", "")).removesuffix(".")
    parts = [made.inputs.get("zoneId"), name, made.inputs.get("type"), made.inputs.get("setIdentifier")]
    return {"id": "_".join(str(part) for part in parts if part), "fqdn": name}


def _web_acl(made: Made) -> Outputs:
    name, id_ = made.physical_name(), made.token(36)
    return {"id": id_, "name": name, "arn": made.arn("wafv2", f"regional/webacl/{name}/{id_}")}


def _alarm(made: Made) -> Outputs:
    name = made.physical_name()
    return {"id": name, "name": name, "arn": made.arn("cloudwatch", f"alarm:{name}")}


def _event_rule(made: Made) -> Outputs:
    name = made.physical_name()
    return {"id": name, "name": name, "arn": made.arn("events", f"rule/{name}"), "eventBusName": "default"}


def _event_target(made: Made) -> Outputs:
    target = f"terraform-{made.token(17)}"
    return {"id": f"{made.inputs.get('rule', '')}-{target}", "targetId": target, "eventBusName": "default"}


def _topic(made: Made) -> Outputs:
    name = made.physical_name()
    arn = made.arn("sns", name)
    return {"id": arn, "arn": arn, "name": name}


def _secret(made: Made) -> Outputs:
    """Describe a secret: its ARN has six characters after the name, so that another of that name is another.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
    """
    name = made.physical_name()
    arn = made.arn("secretsmanager", f"secret:{name}-{made.token(6)}")
    return {"id": arn, "arn": arn, "name": name}


def _subscription(made: Made) -> Outputs:
    arn = f"{made.inputs.get('topic')}:{_uuid(made)}"
    return {"id": arn, "arn": arn}


def _budget(made: Made) -> Outputs:
    name = made.physical_name()
    return {"id": f"{made.account_id}:{name}", "name": name, "arn": made.global_arn("budgets", f"budget/{name}")}


def _rule(made: Made) -> Outputs:
    id_ = f"sgr-{made.token(17)}"
    return {"id": id_, "securityGroupRuleId": id_, "arn": made.arn("ec2", f"security-group-rule/{id_}")}


def _launch_template(made: Made) -> Outputs:
    return {
        **_ec2("lt", "launch-template")(made),
        "name": made.physical_name(),
        "latestVersion": 1,
        "defaultVersion": 1,
    }


def _address(made: Made) -> Outputs:
    number = int(made.token(4), 16)
    # 203.0.113.0/24 is set aside for documentation (RFC 5737).
    return {"id": f"eipalloc-{made.token(17)}", "publicIp": f"203.0.113.{number % 254 + 1}"}


def _kubernetes_object(made: Made) -> Outputs:
    """Describe an object of any kind, or a release: known by its namespace and its name."""
    metadata = made.inputs.get("metadata", made.inputs)
    name = metadata.get("name") or made.physical_name()
    return {"id": f"{metadata['namespace']}/{name}" if metadata.get("namespace") else name}


def _search_domain(made: Made) -> Outputs:
    name = made.physical_name("domainName")
    arn = made.arn("es", f"domain/{name}")
    host = f"{name}-{made.token(26)}.{made.region}.es.amazonaws.com"
    return {
        "id": arn,
        "arn": arn,
        "domainId": f"{made.account_id}/{name}",
        "domainName": name,
        # A domain without a VPC is called search-….
        "endpoint": f"vpc-{host}" if made.inputs.get("vpcOptions") else f"search-{host}",
    }


def _service_role(made: Made) -> Outputs:
    service = str(made.inputs.get("awsServiceName", ""))
    # AWS chooses the name by the service; this is OpenSearch's.
    name = (
        "AWSServiceRoleForAmazonOpenSearchService" if service.startswith("opensearch") else f"AWSServiceRole-{service}"
    )
    arn = made.global_arn("iam", f"role/aws-service-role/{service}/{name}")
    return {"id": arn, "arn": arn, "name": name, "path": f"/aws-service-role/{service}/"}


OUTPUTS: Mapping[str, Callable[[Made], Outputs]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": _anonymous("validation"),
    "aws:budgets/budget:Budget": _budget,
    "aws:cloudwatch/dashboard:Dashboard": _child_of("dashboardName"),
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": _event_target,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _child_of("policyName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/flowLog:FlowLog": _ec2("fl", "vpc-flow-log"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("igw", "internet-gateway"),
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:ec2/natGateway:NatGateway": _ec2("nat", "natgateway"),
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda made: {"id": f"rtbassoc-{made.token(17)}"},
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet"),
    "aws:ec2/vpc:Vpc": _ec2("vpc", "vpc"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpc-endpoint"),
    "aws:ec2/vpnGateway:VpnGateway": _ec2("vgw", "vpn-gateway"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _child_of("repository"),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": _in_registry("ecrRepositoryPrefix"),
    "aws:ecr/repository:Repository": _repository,
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": _in_registry("prefix"),
    "aws:eks/accessEntry:AccessEntry": _between(":", "clusterName", "principalArn"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _between(
        "#", "clusterName", "principalArn", "policyArn"
    ),
    "aws:eks/addon:Addon": _addon,
    "aws:eks/cluster:Cluster": _eks_cluster,
    "aws:eks/nodeGroup:NodeGroup": _node_group,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _pod_identity_association,
    "aws:elasticache/replicationGroup:ReplicationGroup": _replication_group,
    "aws:elasticache/subnetGroup:SubnetGroup": _elasticache("subnetgroup", "name"),
    "aws:elasticache/user:User": _elasticache("user", "userId"),
    "aws:elasticache/userGroup:UserGroup": _elasticache("usergroup", "userGroupId"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _oidc_provider,
    "aws:iam/policy:Policy": _policy,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _between("/", "role", "policyArn"),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _service_role,
    "aws:kms/key:Key": _key,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:opensearch/domain:Domain": _search_domain,
    "aws:rds/cluster:Cluster": _aurora,
    "aws:rds/clusterInstance:ClusterInstance": _aurora_instance,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _rds_group("cluster-pg"),
    "aws:rds/parameterGroup:ParameterGroup": _rds_group("pg"),
    "aws:rds/subnetGroup:SubnetGroup": _rds_group("subgrp"),
    "aws:route53/record:Record": _record,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _child_of("bucket"),
    "aws:s3/bucketLogging:BucketLogging": _child_of("bucket"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _child_of("bucket"),
    "aws:s3/bucketPolicy:BucketPolicy": _child_of("bucket"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _child_of("bucket"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _child_of("bucket"),
    "aws:s3/bucketVersioning:BucketVersioning": _child_of("bucket"),
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _child_of("arn"),
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
    "aws:wafv2/webAclAssociation:WebAclAssociation": _between(",", "webAclArn", "resourceArn"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _child_of("resourceArn"),
    "pulumi:providers:aws": _anonymous("provider"),
    "pulumi:providers:eks": _anonymous("provider"),
    "pulumi:providers:kubernetes": _anonymous("provider"),
}
"""What AWS computes for each resource type, `id` among it; a type of AWS that is missing here is not known to exist."""


def answer(type_: str, made: Made) -> Outputs:
    """Return what is computed for a resource, its `id` among it; raises LookupError for a type not known here."""
    if type_.startswith("kubernetes:"):
        return _kubernetes_object(made)
    if type_ not in OUTPUTS:
        raise LookupError(f"no synthetic outputs for {type_}: add them to recording/synthetic.py")
    return OUTPUTS[type_](made)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, and where: a principal by the ARN that IAM has of it, and a region."""

    arn: str
    region: str

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]

    @property
    def session_arn(self) -> str:
        """What STS calls it: a session of a role, by the role's name without its path; others as they are.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
        """
        if ":role/" not in self.arn:
            return self.arn
        return f"arn:aws:sts::{self.account_id}:assumed-role/{self.arn.rpartition('/')[2]}/session"


def zone_ids(region: str) -> Mapping[str, str]:
    """Return ids of a region's zones by name; none is one that exists, so none is one that a service shuns."""
    place, direction, number = region.rsplit("-", 2)
    short = f"{place.replace('-', '')}{direction[0]}{number}"
    return {f"{region}{letter}": f"{short}-az{number}" for number, letter in enumerate("abcdefgh", 11)}


def invoke(token: str, arguments: Mapping[str, Any], caller: Caller) -> Outputs:
    """Answer a data source as `caller` would be answered; raises LookupError for one that is not known here."""
    if token == "aws:index/getCallerIdentity:getCallerIdentity":  # noqa: S105
        return {"id": caller.account_id, "accountId": caller.account_id, "arn": caller.session_arn, "userId": "AIDA"}
    if token == "aws:iam/getSessionContext:getSessionContext":  # noqa: S105
        return {**arguments, "id": arguments["arn"], "issuerArn": caller.arn}
    if token == "aws:index/getAvailabilityZones:getAvailabilityZones":  # noqa: S105
        ids = zone_ids(caller.region)
        return {"id": caller.region, "names": [*ids], "zoneIds": [*ids.values()]}
    if token == "aws:route53/getZone:getZone":  # noqa: S105  # a function's token, not a secret
        name = str(arguments.get("name"))
        digits = hashlib.sha256(name.encode()).hexdigest()[:13].upper()
        return {"id": f"Z{digits}", "zoneId": f"Z{digits}", "name": name, "privateZone": False}
    if token == "aws:autoscaling/getAmiIds:getAmiIds":  # noqa: S105
        return {"id": "none", "names": [], "arns": []}
    raise LookupError(f"no synthetic answer for {token}")
