"""The Kubernetes control plane, and what its nodes need before the first of them starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from components.addon import make_addon
from components.iam_roles import Role, RoleFactory
from components.iam_statements import trust_instances, trust_pods, trust_service
from components.log_groups import LogGroupFactory
from components.stack_context import StackContext
from settings import cluster as settings
from settings import versions
from settings.naming import physical_name

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_ADMINISTRATION = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
"""Everything but Secrets (https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html)."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of Cluster."""

    context: StackContext
    settings: settings.Cluster
    roles: RoleFactory
    log_groups: LogGroupFactory
    key_arn: pulumi.Input[str]
    """KMS key that encrypts Kubernetes' secrets."""
    vpc_id: pulumi.Input[str]
    subnet_by_zone: Mapping[str, pulumi.Input[str]]
    """Private subnets; the control plane is in those of the settings' zones, which are fixed at creation."""
    deploy_role_arn: pulumi.Input[str]
    """Administers the cluster, beside the administrators of the settings."""
    preview_role_arn: pulumi.Input[str]
    """Reads everything in the cluster but Secrets."""
    protect: bool
    """Refuses to delete the control plane, by AWS as well."""


class Cluster(pulumi.ComponentResource):
    """EKS with encrypted secrets and every control-plane log, administered by named roles only."""

    physical_name: str
    name: pulumi.Output[str]
    """The same name, known once the control plane exists."""
    arn: str
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Secret; holds no credential, but everything an attacker would need to know."""
    version: str
    """Minor version of Kubernetes, the nodes' too."""
    addon_versions: Mapping[str, str | None]
    """By add-on; None leaves the choice to EKS."""
    before_nodes: list[aws.eks.Addon]
    """What must exist before a node starts: without its network plugin it never becomes ready."""
    node_role: Role
    node_security_group_ids: list[pulumi.Output[str]]
    """EKS's own group, the only one with the cluster's tag, and the one that other resources know the nodes by."""
    nodes_security_group_id: pulumi.Output[str]
    """The latter alone."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Cluster", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self.physical_name = physical_name("cluster", args.context.stack)
        self.arn = args.context.arn("eks", f"cluster/{self.physical_name}")

        self.version = args.settings.version
        self.addon_versions = versions.load().addons_for(args.settings.version)
        nodes = aws.ec2.SecurityGroup(
            f"{name}-nodes", vpc_id=args.vpc_id, description="What others know the nodes by", opts=self._child
        )
        self.node_role = self._make_node_role()
        cluster = self._make_control_plane()
        self.name = cluster.eks_cluster.name
        self._let_previews_look()
        self._make_network_addons()

        self.endpoint = cluster.eks_cluster.endpoint
        self.kubeconfig = pulumi.Output.secret(cluster.kubeconfig_json)
        self.nodes_security_group_id = nodes.id
        self.node_security_group_ids = [cluster.cluster_security_group_id, nodes.id]
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})

    def _make_node_role(self) -> Role:
        return self._args.roles.make(
            f"{self._name}-node",
            parent=self,
            trusts=trust_instances(),
            # The network plugin has a role of its own, so pods that get at a node's do not get at the network.
            managed=["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
        )

    def _make_control_plane(self) -> eks.Cluster:
        args = self._args
        admins = {**args.settings.admins, "delivery": args.deploy_role_arn}
        networks = [str(network) for network in args.settings.public_access_cidrs]
        logs = args.log_groups.make(
            f"{self._name}-logs", parent=self, physical_name=physical_name("cluster-logs", args.context.stack)
        )
        role = args.roles.make(
            f"{self._name}-control-plane",
            parent=self,
            trusts=trust_service("eks.amazonaws.com", args.context.account_id),
            managed=["AmazonEKSClusterPolicy"],
        )
        return eks.Cluster(
            self._name,
            name=self.physical_name,
            version=args.settings.version,
            vpc_id=args.vpc_id,
            private_subnet_ids=[args.subnet_by_zone[zone] for zone in args.settings.zones],
            endpoint_private_access=True,
            endpoint_public_access=bool(networks),
            # Even an empty list is refused while the public endpoint is off.
            public_access_cidrs=networks or None,
            authentication_mode=eks.AuthenticationMode.API,
            access_entries={who: _administrator(role_arn) for who, role_arn in admins.items()},
            service_role=role.resource,
            encryption_config_key_arn=args.key_arn,
            enabled_cluster_log_types=list(LOG_TYPES),
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=args.protect,
            # Roles reach pods by EKS Pod Identity; the provider for the other way can be added at any time.
            create_oidc_provider=False,
            # What follows turns off the defaults of pulumi-eks: add-ons, groups and nodes are made here, in order.
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,
            coredns_addon_options={"enabled": False},
            kube_proxy_addon_options={"enabled": False},
            skip_default_security_groups=True,
            skip_default_node_group=True,
            create_instance_role=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[logs, *role.grants],
                transforms=[_guard(protect=args.protect)],
            ),
        )

    def _let_previews_look(self) -> None:
        """Let the preview role read what is in the cluster."""
        entry = aws.eks.AccessEntry(
            f"{self._name}-preview",
            cluster_name=self.name,
            principal_arn=self._args.preview_role_arn,
            opts=self._child,
        )
        aws.eks.AccessPolicyAssociation(
            f"{self._name}-preview-view",
            cluster_name=self.name,
            principal_arn=entry.principal_arn,
            policy_arn=_VIEW,
            access_scope={"type": "cluster"},
            opts=self._child,
        )

    def _make_network_addons(self) -> None:
        """Make the add-ons without which a node never becomes ready: roles for pods, services, and addresses."""
        args = self._args
        cni = args.roles.make(
            f"{self._name}-cni",
            parent=self,
            trusts=trust_pods(self.arn, args.context.account_id),
            managed=["AmazonEKS_CNI_Policy"],
        )
        # In standard mode, the default: a pod's first second or two are open. Strict mode would keep CoreDNS and every
        # other pod without a policy from the network (docs/application-contract.md#the-first-seconds-of-a-pod).
        configurations = {"vpc-cni": {"enableNetworkPolicy": "true"}}
        service_accounts = {"vpc-cni": {"aws-node": cni.arn}}
        # None waits for another: without nodes there is nothing that they could do for each other yet.
        self.before_nodes = [
            make_addon(
                addon,
                parent=self,
                cluster_name=self.name,
                version=self.addon_versions[addon],
                configuration=configurations.get(addon),
                service_accounts=service_accounts.get(addon),
            )
            for addon in ("eks-pod-identity-agent", "kube-proxy", "vpc-cni")
        ]


def _administrator(role_arn: pulumi.Input[str]) -> eks.AccessEntryArgs:
    return eks.AccessEntryArgs(
        principal_arn=role_arn,
        access_policies={
            "admin": eks.AccessPolicyAssociationArgs(
                policy_arn=_ADMINISTRATION, access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
            )
        },
    )


def _guard(*, protect: bool) -> pulumi.ResourceTransform:
    """Return a transform that sets on the control plane what pulumi-eks has no input for.

    Whoever runs the first update does not stay an administrator that no access entry names
    (https://github.com/pulumi/pulumi-eks/issues/2373). And it alone is protected: set on the component, `protect` would
    reach the access entries too, and no administrator could be removed.
    """

    def guard(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "aws:eks/cluster:Cluster":
            return None
        props = dict[str, Any](args.props)
        props["accessConfig"] = {**props["accessConfig"], "bootstrapClusterCreatorAdminPermissions": False}
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=protect))
        return pulumi.ResourceTransformResult(props=props, opts=opts)

    return guard
