"""Resource types and their aliases: the same thing under the names that the AWS provider has given it over time.

The newest name is first. Aliases are those of the SDK's own classes (`pulumi.Alias(type_=...)` in pulumi_aws), and the
modules `alb`, `applicationloadbalancing` and `elasticloadbalancingv2`, which are `lb` by older names.
"""


def _aws(module: str, name: str, *older_modules: str) -> tuple[str, ...]:
    token = f"{name[0].lower()}{name[1:]}:{name}"
    return tuple(f"aws:{each}/{token}" for each in (module, *older_modules))


def _load_balancing(name: str) -> tuple[str, ...]:
    return _aws("lb", name, "alb", "applicationloadbalancing", "elasticloadbalancingv2")


def _bucket(name: str) -> tuple[str, ...]:
    return (*_aws("s3", name), *_aws("s3", f"{name}V2"))


def _kubernetes(kind: str, *versions: str) -> tuple[str, ...]:
    return tuple(f"kubernetes:{version}:{kind}" for version in versions)


# Network
VPC = _aws("ec2", "Vpc")
DEFAULT_VPC = _aws("ec2", "DefaultVpc")
FLOW_LOG = _aws("ec2", "FlowLog")
SUBNET = _aws("ec2", "Subnet")
DEFAULT_ROUTE_TABLE = _aws("ec2", "DefaultRouteTable")
ROUTE_TABLE = (*_aws("ec2", "RouteTable"), *DEFAULT_ROUTE_TABLE)
ROUTE = _aws("ec2", "Route")
ROUTE_TABLE_ASSOCIATION = _aws("ec2", "RouteTableAssociation")
MAIN_ROUTE_TABLE_ASSOCIATION = _aws("ec2", "MainRouteTableAssociation")
INTERNET_GATEWAY = _aws("ec2", "InternetGateway")
NAT_GATEWAY = _aws("ec2", "NatGateway")
VPC_ENDPOINT = _aws("ec2", "VpcEndpoint")
SECURITY_GROUP = _aws("ec2", "SecurityGroup")
DEFAULT_SECURITY_GROUP = _aws("ec2", "DefaultSecurityGroup")
SECURITY_GROUP_RULE = _aws("ec2", "SecurityGroupRule")
INGRESS_RULE = _aws("vpc", "SecurityGroupIngressRule")
EGRESS_RULE = _aws("vpc", "SecurityGroupEgressRule")
PREFIX_LIST = _aws("ec2", "ManagedPrefixList")
PREFIX_LIST_ENTRY = _aws("ec2", "ManagedPrefixListEntry")
NETWORK_ACL = (*_aws("ec2", "NetworkAcl"), *_aws("ec2", "DefaultNetworkAcl"))
NETWORK_ACL_RULE = _aws("ec2", "NetworkAclRule")

# EKS and nodes
EKS_CLUSTER = _aws("eks", "Cluster")
EKS_COMPONENT = ("eks:index:Cluster",)
NODE_GROUP = _aws("eks", "NodeGroup")
ADDON = _aws("eks", "Addon")
ACCESS_ENTRY = _aws("eks", "AccessEntry")
ACCESS_POLICY_ASSOCIATION = _aws("eks", "AccessPolicyAssociation")
POD_IDENTITY_ASSOCIATION = _aws("eks", "PodIdentityAssociation")
LAUNCH_TEMPLATE = _aws("ec2", "LaunchTemplate")
INSTANCE = _aws("ec2", "Instance")
SPOT_INSTANCE = _aws("ec2", "SpotInstanceRequest")
LAUNCH_CONFIGURATION = _aws("ec2", "LaunchConfiguration")
FUNCTION = _aws("lambda", "Function")

# Data stores
RDS_CLUSTER = _aws("rds", "Cluster")
RDS_CLUSTER_INSTANCE = _aws("rds", "ClusterInstance")
RDS_INSTANCE = _aws("rds", "Instance")
RDS_CLUSTER_PARAMETERS = _aws("rds", "ClusterParameterGroup")
RDS_PARAMETERS = _aws("rds", "ParameterGroup")
RDS_SUBNET_GROUP = _aws("rds", "SubnetGroup")
REPLICATION_GROUP = _aws("elasticache", "ReplicationGroup")
CACHE_CLUSTER = _aws("elasticache", "Cluster")
CACHE_USER = _aws("elasticache", "User")
CACHE_USER_GROUP = _aws("elasticache", "UserGroup")
CACHE_SUBNET_GROUP = _aws("elasticache", "SubnetGroup")

# Edge
LOAD_BALANCER = _load_balancing("LoadBalancer")
LISTENER = _load_balancing("Listener")
LISTENER_RULE = _load_balancing("ListenerRule")
TARGET_GROUP = _load_balancing("TargetGroup")
WEB_ACL = _aws("wafv2", "WebAcl")
WEB_ACL_ASSOCIATION = _aws("wafv2", "WebAclAssociation")
WEB_ACL_LOGGING = _aws("wafv2", "WebAclLoggingConfiguration")

# Keys, storage, images, secrets, identities, logs
KEY = _aws("kms", "Key")
KEY_POLICY = _aws("kms", "KeyPolicy")
BUCKET = _bucket("Bucket")
BUCKET_POLICY = _aws("s3", "BucketPolicy")
BUCKET_PUBLIC_ACCESS_BLOCK = _aws("s3", "BucketPublicAccessBlock")
ACCOUNT_PUBLIC_ACCESS_BLOCK = _aws("s3", "AccountPublicAccessBlock")
BUCKET_ACL = _bucket("BucketAcl")
BUCKET_ENCRYPTION = _bucket("BucketServerSideEncryptionConfiguration")
BUCKET_VERSIONING = _bucket("BucketVersioning")
BUCKET_LIFECYCLE = _bucket("BucketLifecycleConfiguration")
BUCKET_OWNERSHIP = _aws("s3", "BucketOwnershipControls")
BUCKET_WEBSITE = _bucket("BucketWebsiteConfiguration")
BUCKET_LOGGING = _bucket("BucketLogging")
REPOSITORY = _aws("ecr", "Repository")
REPOSITORY_TEMPLATE = _aws("ecr", "RepositoryCreationTemplate")
REPOSITORY_POLICY = _aws("ecr", "RepositoryPolicy")
REGISTRY_SCANNING = _aws("ecr", "RegistryScanningConfiguration")
REPOSITORY_LIFECYCLE = _aws("ecr", "LifecyclePolicy")
SECRET = _aws("secretsmanager", "Secret")
SECRET_VERSION = _aws("secretsmanager", "SecretVersion")
SECRET_ROTATION = _aws("secretsmanager", "SecretRotation")
ROLE = _aws("iam", "Role")
ROLE_POLICY = _aws("iam", "RolePolicy")
ROLE_POLICY_ATTACHMENT = _aws("iam", "RolePolicyAttachment")
IAM_POLICY = _aws("iam", "Policy")
IAM_USER = _aws("iam", "User")
USER_POLICY = _aws("iam", "UserPolicy")
USER_POLICY_ATTACHMENT = _aws("iam", "UserPolicyAttachment")
GROUP_POLICY = _aws("iam", "GroupPolicy")
GROUP_POLICY_ATTACHMENT = _aws("iam", "GroupPolicyAttachment")
POLICY_ATTACHMENT = _aws("iam", "PolicyAttachment")
ATTACHMENTS_EXCLUSIVE = (
    *_aws("iam", "RolePolicyAttachmentsExclusive"),
    *_aws("iam", "UserPolicyAttachmentsExclusive"),
    *_aws("iam", "GroupPolicyAttachmentsExclusive"),
)
PERMISSION_SET = _aws("ssoadmin", "PermissionSet")
PERMISSION_SET_POLICY = _aws("ssoadmin", "PermissionSetInlinePolicy")
PERMISSION_SET_ATTACHMENT = _aws("ssoadmin", "ManagedPolicyAttachment")
PERMISSION_SET_ATTACHMENTS = _aws("ssoadmin", "ManagedPolicyAttachmentsExclusive")
PERMISSION_SET_BOUNDARY = _aws("ssoadmin", "PermissionsBoundaryAttachment")
ACCOUNT_ASSIGNMENT = _aws("ssoadmin", "AccountAssignment")
PASSWORD_POLICY = _aws("iam", "AccountPasswordPolicy")
IDENTITY_POOL = _aws("cognito", "IdentityPool")
IAM_LOGIN_PROFILE = _aws("iam", "UserLoginProfile")
IAM_ACCESS_KEY = _aws("iam", "AccessKey")
OIDC_PROVIDER = _aws("iam", "OpenIdConnectProvider")
LOG_GROUP = _aws("cloudwatch", "LogGroup")
KEY_GRANT = _aws("kms", "Grant")
OTHER_KEYS = (*_aws("kms", "ExternalKey"), *_aws("kms", "ReplicaKey"), *_aws("kms", "ReplicaExternalKey"))
ACCESS_POINT = _aws("s3", "AccessPoint")
REGISTRY_POLICY = _aws("ecr", "RegistryPolicy")
SECRET_POLICY = _aws("secretsmanager", "SecretPolicy")
FUNCTION_PERMISSION = _aws("lambda", "Permission")
LAYER_PERMISSION = _aws("lambda", "LayerVersionPermission")
EVENT_PERMISSION = _aws("cloudwatch", "EventPermission")
VPC_ENDPOINT_POLICY = _aws("ec2", "VpcEndpointPolicy")
ALARM = _aws("cloudwatch", "MetricAlarm")
COMPOSITE_ALARM = _aws("cloudwatch", "CompositeAlarm")
EVENT_RULE = _aws("cloudwatch", "EventRule")
EVENT_TARGET = _aws("cloudwatch", "EventTarget")
TOPIC = _aws("sns", "Topic")
TOPIC_SUBSCRIPTION = _aws("sns", "TopicSubscription")
BUDGET = _aws("budgets", "Budget")
STACK = ("pulumi:pulumi:Stack",)
AWS_PROVIDER = ("pulumi:providers:aws",)

# Kubernetes
DEPLOYMENT = _kubernetes("Deployment", "apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1")
STATEFUL_SET = _kubernetes("StatefulSet", "apps/v1", "apps/v1beta2", "apps/v1beta1")
DAEMON_SET = _kubernetes("DaemonSet", "apps/v1", "apps/v1beta2", "extensions/v1beta1")
REPLICA_SET = _kubernetes("ReplicaSet", "apps/v1", "apps/v1beta2", "extensions/v1beta1")
ROLLOUT = _kubernetes("Rollout", "argoproj.io/v1alpha1")
JOB = _kubernetes("Job", "batch/v1")
CRON_JOB = _kubernetes("CronJob", "batch/v1", "batch/v1beta1")
REPLICATION_CONTROLLER = _kubernetes("ReplicationController", "core/v1")
POD_TEMPLATE = _kubernetes("PodTemplate", "core/v1")
POD = _kubernetes("Pod", "core/v1")
FOREIGN_WORKLOADS = (
    *_kubernetes("Service", "serving.knative.dev/v1"),
    *_kubernetes("Configuration", "serving.knative.dev/v1"),
    *_kubernetes("DeploymentConfig", "apps.openshift.io/v1", "core/v1"),
    *_kubernetes("CloneSet", "apps.kruise.io/v1alpha1"),
    *_kubernetes("StatefulSet", "apps.kruise.io/v1beta1", "apps.kruise.io/v1alpha1"),
    *_kubernetes("DaemonSet", "apps.kruise.io/v1alpha1"),
    *_kubernetes("BroadcastJob", "apps.kruise.io/v1alpha1"),
)
"""Kinds of others with the template of pods where a Deployment has it."""
WORKLOADS = (
    *DEPLOYMENT,
    *STATEFUL_SET,
    *DAEMON_SET,
    *REPLICA_SET,
    *REPLICATION_CONTROLLER,
    *ROLLOUT,
    *JOB,
    *CRON_JOB,
    *POD,
    *POD_TEMPLATE,
    *FOREIGN_WORKLOADS,
)
NAMESPACE = _kubernetes("Namespace", "core/v1")
SERVICE = _kubernetes("Service", "core/v1")
SERVICE_ACCOUNT = _kubernetes("ServiceAccount", "core/v1")
PERSISTENT_VOLUME = _kubernetes("PersistentVolume", "core/v1")
CONFIG_MAP = _kubernetes("ConfigMap", "core/v1")
K8S_SECRET = _kubernetes("Secret", "core/v1")
NETWORK_POLICY = _kubernetes("NetworkPolicy", "networking.k8s.io/v1")
INGRESS = _kubernetes("Ingress", "networking.k8s.io/v1", "networking.k8s.io/v1beta1", "extensions/v1beta1")
CILIUM_POLICY = (
    *_kubernetes("CiliumNetworkPolicy", "cilium.io/v2"),
    *_kubernetes("CiliumClusterwideNetworkPolicy", "cilium.io/v2"),
)
FOREIGN_POLICY = (
    *CILIUM_POLICY,
    *_kubernetes("NetworkPolicy", "projectcalico.org/v3", "crd.projectcalico.org/v1"),
    *_kubernetes("GlobalNetworkPolicy", "projectcalico.org/v3", "crd.projectcalico.org/v1"),
    *_kubernetes("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", "networking.k8s.aws/v1alpha1"),
    *_kubernetes("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
    *_kubernetes("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", "networking.k8s.aws/v1alpha1"),
)
"""Policies of other kinds, which may isolate a pod that no NetworkPolicy does."""
GATEWAY = _kubernetes("Gateway", "gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
HTTP_ROUTE = _kubernetes("HTTPRoute", "gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
REFERENCE_GRANT = _kubernetes("ReferenceGrant", "gateway.networking.k8s.io/v1beta1", "gateway.networking.k8s.io/v1")
_NETWORKING = ("networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3")
_SECURITY = ("security.istio.io/v1", "security.istio.io/v1beta1")
PEER_AUTHENTICATION = _kubernetes("PeerAuthentication", *_SECURITY)
AUTHORIZATION_POLICY = _kubernetes("AuthorizationPolicy", *_SECURITY)
REQUEST_AUTHENTICATION = _kubernetes("RequestAuthentication", *_SECURITY)
DESTINATION_RULE = _kubernetes("DestinationRule", *_NETWORKING)
ISTIO_GATEWAY = _kubernetes("Gateway", *_NETWORKING)
VIRTUAL_SERVICE = _kubernetes("VirtualService", *_NETWORKING)
SERVICE_ENTRY = _kubernetes("ServiceEntry", *_NETWORKING)
SIDECAR = _kubernetes("Sidecar", *_NETWORKING)
ENVOY_FILTER = _kubernetes("EnvoyFilter", *_NETWORKING)
K8S_ROLE = (
    *_kubernetes("Role", "rbac.authorization.k8s.io/v1"),
    *_kubernetes("ClusterRole", "rbac.authorization.k8s.io/v1"),
)
ROLE_BINDING = (
    *_kubernetes("RoleBinding", "rbac.authorization.k8s.io/v1"),
    *_kubernetes("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
)
DISRUPTION_BUDGET = _kubernetes("PodDisruptionBudget", "policy/v1")
POD_AUTOSCALER = _kubernetes("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1")
EXTERNAL_SECRET = _kubernetes("ExternalSecret", "external-secrets.io/v1", "external-secrets.io/v1beta1")
SECRET_STORE = (
    *_kubernetes("SecretStore", "external-secrets.io/v1", "external-secrets.io/v1beta1"),
    *_kubernetes("ClusterSecretStore", "external-secrets.io/v1", "external-secrets.io/v1beta1"),
)
CLUSTER_EXTERNAL_SECRET = (
    *_kubernetes("ClusterExternalSecret", "external-secrets.io/v1", "external-secrets.io/v1beta1"),
    *_kubernetes("ClusterPushSecret", "external-secrets.io/v1alpha1"),
)
ARGO_APPLICATION = _kubernetes("Application", "argoproj.io/v1alpha1")
ARGO_APPLICATION_SET = _kubernetes("ApplicationSet", "argoproj.io/v1alpha1")
ARGO_PROJECT = _kubernetes("AppProject", "argoproj.io/v1alpha1")
CANARY = _kubernetes("Canary", "flagger.app/v1beta1")
KUBERNETES_PROVIDER = ("pulumi:providers:kubernetes",)
HELM_RELEASE = _kubernetes("Release", "helm.sh/v3")
HELM_CHART = _kubernetes("Chart", "helm.sh/v3", "helm.sh/v4")
FLUX_RELEASE = _kubernetes("HelmRelease", "helm.toolkit.fluxcd.io/v2", "helm.toolkit.fluxcd.io/v2beta2")
_FLUX_SOURCES = ("source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2")
FLUX = (
    *_kubernetes("GitRepository", *_FLUX_SOURCES),
    *_kubernetes("OCIRepository", *_FLUX_SOURCES),
    *_kubernetes("HelmRepository", *_FLUX_SOURCES),
    *_kubernetes("Bucket", *_FLUX_SOURCES),
    *FLUX_RELEASE,
)

# Admission
_ADMISSION = ("admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1")
WEBHOOKS = (
    *_kubernetes("ValidatingWebhookConfiguration", *_ADMISSION),
    *_kubernetes("MutatingWebhookConfiguration", *_ADMISSION),
)
ADMISSION_POLICY = _kubernetes("ValidatingAdmissionPolicy", *_ADMISSION)
ADMISSION_BINDING = _kubernetes("ValidatingAdmissionPolicyBinding", *_ADMISSION)
KYVERNO_POLICY = (
    *_kubernetes("ClusterPolicy", "kyverno.io/v1", "kyverno.io/v2beta1"),
    *_kubernetes("Policy", "kyverno.io/v1", "kyverno.io/v2beta1"),
)
GATEKEEPER_CONSTRAINT = ("kubernetes:constraints.gatekeeper.sh/v1beta1:*",)

# Other kinds in a cluster
STORAGE_CLASS = _kubernetes("StorageClass", "storage.k8s.io/v1")
_MONITORING = ("monitoring.coreos.com/v1", "monitoring.coreos.com/v1alpha1")
MONITORS = tuple(
    f"kubernetes:{version}:{kind}"
    for kind in ("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig")
    for version in _MONITORING
)
PROMETHEUS = tuple(
    f"kubernetes:{version}:{kind}"
    for kind in ("Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler")
    for version in _MONITORING
)
EC2_NODE_CLASS = _kubernetes("EC2NodeClass", "karpenter.k8s.aws/v1", "karpenter.k8s.aws/v1beta1")
NODE_POOL = _kubernetes("NodePool", "karpenter.sh/v1", "karpenter.sh/v1beta1")
CERT_ISSUER = (*_kubernetes("Issuer", "cert-manager.io/v1"), *_kubernetes("ClusterIssuer", "cert-manager.io/v1"))
CERTIFICATE = _kubernetes("Certificate", "cert-manager.io/v1")
INGRESS_CLASS_PARAMS = _kubernetes("IngressClassParams", "elbv2.k8s.aws/v1beta1", "eks.amazonaws.com/v1")
TARGET_GROUP_BINDING = _kubernetes("TargetGroupBinding", "elbv2.k8s.aws/v1beta1", "eks.amazonaws.com/v1")
PRIORITY_CLASS = _kubernetes("PriorityClass", "scheduling.k8s.io/v1")
API_SERVICE = _kubernetes("APIService", "apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1beta1")
REMOVED = (
    *(each for types in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, INGRESS) for each in types[1:]),
    *_kubernetes("NetworkPolicy", "extensions/v1beta1"),
    *_kubernetes("PodSecurityPolicy", "policy/v1beta1", "extensions/v1beta1"),
    *_kubernetes("PodDisruptionBudget", "policy/v1beta1"),
    *_kubernetes("CronJob", "batch/v1beta1", "batch/v2alpha1"),
    *_kubernetes("HorizontalPodAutoscaler", "autoscaling/v2beta1", "autoscaling/v2beta2"),
    *(
        f"kubernetes:rbac.authorization.k8s.io/{version}:{kind}"
        for version in ("v1beta1", "v1alpha1")
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    ),
    *_kubernetes("CustomResourceDefinition", "apiextensions.k8s.io/v1beta1"),
    *(each for each in (*WEBHOOKS, *API_SERVICE) if each.split(":")[1].endswith("v1beta1")),
)
"""Versions of the API that are gone: https://kubernetes.io/docs/reference/using-api/deprecation-guide/."""
