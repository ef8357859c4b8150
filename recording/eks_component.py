"""A stand-in for the `eks:index:Cluster` component of pulumi-eks 4, which runs in a plugin that needs an account.

It registers the children that the plugin registers for the way this program uses it; anything else that the plugin
could do is refused rather than guessed. Modelled on the behaviour of
https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/cluster/cluster.ts and …/cluster/authenticationMode.ts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pulumi.runtime.proto import resource_pb2

from recording import wire
from recording.graph import UNKNOWN, Reference

TYPE = "eks:index:Cluster"


@dataclass(frozen=True, kw_only=True)
class Child:
    """A resource that the component registers."""

    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    dependencies: Sequence[str] = ()
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    ignore_changes: Sequence[str] = ()


@dataclass(frozen=True)
class Registered:
    """What came back for a child."""

    reference: Reference
    outputs: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        """Return an output, UNKNOWN where only an update can tell."""
        return self.outputs.get(key, UNKNOWN)


def registration(child: Child, providers: Mapping[str, str]) -> resource_pb2.RegisterResourceRequest:
    """Return the request that registers `child`, through one of the component's own `providers` (by package)."""
    return resource_pb2.RegisterResourceRequest(
        type=child.type,
        name=child.name,
        parent=child.parent,
        custom=True,
        object=wire.encode(child.inputs),
        provider=providers.get(child.type.partition(":")[0], ""),
        dependencies=child.dependencies,
        propertyDependencies={
            key: resource_pb2.RegisterResourceRequest.PropertyDependencies(urns=urns)
            for key, urns in child.property_dependencies.items()
        },
        ignoreChanges=child.ignore_changes,
        acceptSecrets=True,
        acceptResources=True,
    )


@dataclass(frozen=True)
class Built:
    """The component once its children are registered."""

    outputs: Mapping[str, Any]
    dependencies: Mapping[str, Sequence[str]]
    """The URNs that each output comes from."""


class Register(Protocol):
    """Registers a child, through the SDK or on a recorder."""

    def __call__(self, child: Child) -> Registered: ...


_REQUIRED: Mapping[str, Any] = {
    "authenticationMode": "API",
    "createInstanceRole": False,
    "createOidcProvider": False,
    "skipDefaultNodeGroup": True,
    "skipDefaultSecurityGroups": True,
    "useDefaultVpcCni": True,
}
_UNDERSTOOD = {
    *_REQUIRED,
    "accessEntries",
    "bootstrapSelfManagedAddons",
    "corednsAddonOptions",
    "deletionProtection",
    "enabledClusterLogTypes",
    "encryptionConfigKeyArn",
    "endpointPrivateAccess",
    "endpointPublicAccess",
    "kubeProxyAddonOptions",
    "name",
    "privateSubnetIds",
    "publicAccessCidrs",
    "serviceRole",
    "upgradePolicy",
    "version",
    "vpcId",
}


def refuse_unknown_use(inputs: Mapping[str, Any]) -> None:
    """Raise NotImplementedError where `inputs` ask for something that this stand-in does not know how to do."""
    wrong = [key for key, value in _REQUIRED.items() if inputs.get(key) != value]
    wrong += [key for key in inputs if key not in _UNDERSTOOD]
    wrong += [key for key in ("encryptionConfigKeyArn", "privateSubnetIds", "serviceRole") if inputs.get(key) is None]
    wrong += [
        key for key in ("corednsAddonOptions", "kubeProxyAddonOptions") if inputs.get(key, {}).get("enabled", True)
    ]
    if wrong:
        raise NotImplementedError(f"the stand-in for {TYPE} does not know this use of {', '.join(sorted(wrong))}")


def build(
    name: str,
    urn: str,
    inputs: Mapping[str, Any],
    *,
    role_arn: Any,
    dependencies_of: Mapping[str, Sequence[str]],
    register: Register,
) -> Built:
    """Register the component's children.

    `role_arn` is the ARN of the role that `serviceRole` refers to; `dependencies_of` maps the component's inputs to
    the URNs they depend on.
    """
    refuse_unknown_use(inputs)
    cluster = register(_control_plane(name, urn, inputs, role_arn, dependencies_of))
    kubeconfig = _kubeconfig(cluster)
    register(
        Child(
            type="pulumi:providers:kubernetes",
            name=f"{name}-eks-k8s",
            parent=urn,
            inputs={
                "kubeconfig": kubeconfig if kubeconfig is UNKNOWN else json.dumps(kubeconfig, separators=(",", ":"))
            },
            dependencies=[cluster.reference.urn],
            property_dependencies={"kubeconfig": [cluster.reference.urn]},
        )
    )
    for who, entry in inputs.get("accessEntries", {}).items():
        _register_access(name, urn, who, entry, cluster, dependencies_of, register)
    outputs = _outputs(cluster, kubeconfig)
    constant = {key for key, value in outputs.items() if value in ("", [])}
    return Built(outputs, {key: () if key in constant else (cluster.reference.urn,) for key in outputs})


def _control_plane(
    name: str, urn: str, inputs: Mapping[str, Any], role_arn: Any, dependencies_of: Mapping[str, Sequence[str]]
) -> Child:
    sources = {
        "roleArn": dependencies_of.get("serviceRole", ()),
        "encryptionConfig": dependencies_of.get("encryptionConfigKeyArn", ()),
        "vpcConfig": dependencies_of.get("privateSubnetIds", ()),
    }
    return Child(
        type="aws:eks/cluster:Cluster",
        name=f"{name}-eksCluster",
        parent=urn,
        inputs={
            "name": inputs.get("name"),
            "roleArn": role_arn,
            "bootstrapSelfManagedAddons": inputs.get("bootstrapSelfManagedAddons", True),
            "vpcConfig": {
                "subnetIds": inputs["privateSubnetIds"],
                "endpointPrivateAccess": inputs.get("endpointPrivateAccess"),
                "endpointPublicAccess": inputs.get("endpointPublicAccess"),
                "publicAccessCidrs": inputs.get("publicAccessCidrs"),
            },
            "version": inputs.get("version"),
            "enabledClusterLogTypes": inputs.get("enabledClusterLogTypes"),
            "tags": {"Name": f"{name}-eksCluster"},
            "encryptionConfig": {
                "provider": {"keyArn": inputs["encryptionConfigKeyArn"]},
                "resources": ["secrets"],
            },
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
            "upgradePolicy": inputs.get("upgradePolicy"),
            "deletionProtection": inputs.get("deletionProtection"),
        },
        dependencies=sorted({source for sources_ in sources.values() for source in sources_}),
        property_dependencies=sources,
        ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
    )


def _register_access(
    name: str,
    urn: str,
    who: str,
    entry: Mapping[str, Any],
    cluster: Registered,
    dependencies_of: Mapping[str, Sequence[str]],
    register: Register,
) -> None:
    principal, sources = entry["principalArn"], dependencies_of.get("accessEntries", ())
    registered = register(
        Child(
            type="aws:eks/accessEntry:AccessEntry",
            name=f"{name}-{who}",
            parent=urn,
            inputs={"clusterName": cluster["name"], "principalArn": principal},
            dependencies=[cluster.reference.urn, *sources],
            property_dependencies={"clusterName": [cluster.reference.urn], "principalArn": sources},
        )
    )
    for policy, association in entry.get("accessPolicies", {}).items():
        register(
            Child(
                type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
                name=f"{name}-{who}-{policy}",
                parent=registered.reference.urn,
                inputs={
                    "clusterName": cluster["name"],
                    "principalArn": principal,
                    "policyArn": association["policyArn"],
                    "accessScope": association["accessScope"],
                },
                dependencies=[cluster.reference.urn, registered.reference.urn, *sources],
                property_dependencies={"clusterName": [cluster.reference.urn], "principalArn": sources},
            )
        )


def _issuer(cluster: Registered) -> Any:
    identities = cluster["identities"]
    return UNKNOWN if identities is UNKNOWN else identities[0]["oidcs"][0]["issuer"]


def _kubeconfig(cluster: Registered) -> Any:
    """Return the kubeconfig as the plugin writes it: no credential, but how to get one."""
    if cluster["endpoint"] is UNKNOWN:
        return UNKNOWN
    region = cluster["arn"].split(":")[3]
    return {
        "apiVersion": "v1",
        "clusters": [
            {
                "cluster": {
                    "server": cluster["endpoint"],
                    "certificate-authority-data": cluster["certificateAuthority"]["data"],
                },
                "name": "kubernetes",
            }
        ],
        "contexts": [{"context": {"cluster": "kubernetes", "user": "aws"}, "name": "aws"}],
        "current-context": "aws",
        "kind": "Config",
        "users": [
            {
                "name": "aws",
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "aws",
                        "args": [
                            "--region",
                            region,
                            "eks",
                            "get-token",
                            "--cluster-name",
                            cluster["name"],
                            "--output",
                            "json",
                        ],
                        "env": [
                            {
                                "name": "KUBERNETES_EXEC_INFO",
                                "value": '{"apiVersion": "client.authentication.k8s.io/v1beta1"}',
                            }
                        ],
                    }
                },
            }
        ],
    }


def _outputs(cluster: Registered, kubeconfig: Any) -> Mapping[str, Any]:
    vpc_config, issuer = cluster["vpcConfig"], _issuer(cluster)
    group = UNKNOWN if vpc_config is UNKNOWN else vpc_config.get("clusterSecurityGroupId", UNKNOWN)
    return {
        "kubeconfig": kubeconfig,
        "kubeconfigJson": kubeconfig if kubeconfig is UNKNOWN else json.dumps(kubeconfig, separators=(",", ":")),
        "eksCluster": cluster.reference,
        "clusterSecurityGroupId": group,
        "nodeSecurityGroupId": group,
        "instanceRoles": [],
        "oidcProviderArn": "",
        "oidcProviderUrl": issuer,
        "oidcIssuer": issuer if issuer is UNKNOWN else issuer.removeprefix("https://"),
    }
