"""Pods are restricted, spread, watched and scaled as the strategy has it."""

import json
import re

from chart import (
    ALL_WORKLOADS,
    Rendering,
    default_values,
    environment_values,
    handover,
    pod_labels,
    pod_spec,
    render,
)

from prismctl.project import ROOT, Project

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def committed(environment):
    """Return what an environment runs by its committed values, and in which range."""
    chosen = environment_values(environment)["workloads"]
    ranges = {}
    for name, default in default_values()["workloads"].items():
        own = chosen.get(name, {})
        if own.get("enabled", default["enabled"]):
            scaling = default["autoscaling"] | own.get("autoscaling", {})
            ranges[name] = scaling["minReplicas"], scaling["maxReplicas"]
    return ranges


def _api(rendering):
    return rendering.one("Deployment", "ai-prism-api")


def _container(workload):
    (container,) = pod_spec(workload)["containers"]
    return container


def _bytes(quantity):
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", quantity).groups()
    return int(number) * UNITS[unit]


def _range(scaler):
    return scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]


def test_an_environment_runs_what_its_committed_values_say_in_their_range(environment):
    rendering = render(environment)
    scalers = {each["spec"]["scaleTargetRef"]["name"]: each for each in rendering.of("HorizontalPodAutoscaler")}
    runs = {
        each["metadata"]["labels"]["app"].removeprefix("ai-prism-"): _range(scalers[each["metadata"]["name"]])
        for each in rendering.of("Deployment")
    }
    assert runs == committed(environment)


def test_no_node_is_kept_for_a_workload_that_is_switched_off(environment):
    nodes = json.loads(Project(ROOT).config(environment)["ai-prism:nodes"])
    used = {pod_spec(each)["nodeSelector"]["tier"] for each in render(environment).of("Deployment")}
    # The platform's own controllers run on web nodes.
    assert {tier for tier, group in nodes.items() if group["min"]} <= used | {"web"}


def test_there_is_a_node_for_each_pod_that_takes_a_whole_one(environment):
    nodes = json.loads(Project(ROOT).config(environment)["ai-prism:nodes"])
    (least, most) = committed(environment).get("worker", (0, 0))
    assert least <= nodes["gpu"]["max"]
    assert most <= nodes["gpu"]["max"]


def test_the_image_is_the_handed_over_repository_with_the_committed_tag(environment):
    images = {_container(each)["image"] for each in render(environment, ALL_WORKLOADS).of("Deployment")}
    repositories, tag = (
        handover()["handover"]["images"],
        (default_values() | environment_values(environment))["image"]["tag"],
    )
    assert images == {f"{repositories[name]}:{tag}" for name in ("api", "web", "worker")}
    assert _container(_api(render(environment, {"image": {"tag": "v3"}})))["image"] == f"{repositories['api']}:v3"


def test_an_autoscaler_alone_decides_on_the_number_of_pods(rendering: Rendering):
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in rendering.of("HorizontalPodAutoscaler")}
    for workload in rendering.of("Deployment"):
        assert workload["metadata"]["name"] in scaled
        assert "replicas" not in workload["spec"]


def test_the_pods_that_serve_have_an_autoscaler_of_the_chart_and_so_its_limits_at_once(rendering: Rendering):
    for canary in rendering.of("Canary"):
        own = rendering.one("HorizontalPodAutoscaler", canary["spec"]["autoscalerRef"]["name"])
        # The name under which Flagger would make one, and copy to it with the next promotion only.
        # https://github.com/fluxcd/flagger/blob/v1.44.0/pkg/canary/hpa_reconciler.go
        primarys = rendering.one("HorizontalPodAutoscaler", f"{own['metadata']['name']}-primary")
        target = primarys["spec"]["scaleTargetRef"]
        assert target["name"] == f"{canary['spec']['targetRef']['name']}-primary"
        assert primarys["spec"] == own["spec"] | {"scaleTargetRef": target}


def test_a_fixed_number_of_pods_is_a_range_of_one_size_so_that_it_reaches_the_pods_that_serve(strategy):
    values = {"workloads": {"api": {"autoscaling": {"enabled": False}, "replicas": 4}}}
    rendering = render("dev", values | {"delivery": {"strategy": strategy}})
    assert "replicas" not in _api(rendering)["spec"]
    assert [_range(each) for each in rendering.of("HorizontalPodAutoscaler")] == [(4, 4), (4, 4)]


def test_how_pods_are_replaced_reaches_the_pods_that_serve_with_a_roll_out_of_its_own():
    def template(**values):
        return _api(render("dev", values))["spec"]["template"]

    # Flagger copies it with a new version of the template.
    before = template()
    assert template(defaults={"rollout": {"maxUnavailable": 1}}) != before
    assert template(delivery={"progressDeadlineSeconds": 900}) != before
    assert template(delivery={"interval": "2m"}) == before


def test_autoscalers_follow_cpu_and_memory_and_that_of_the_api_active_requests(rendering: Rendering):
    for scaler in rendering.of("HorizontalPodAutoscaler"):
        cpu, memory, *more = scaler["spec"]["metrics"]
        assert cpu["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
        assert memory["resource"] == {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}
        # A metric that nobody exports keeps an autoscaler from removing pods.
        # https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
        exported = scaler["metadata"]["labels"]["app.kubernetes.io/name"] == "ai-prism-api"
        requests = {
            "metric": {"name": "active_requests"},
            "target": {"type": "AverageValue", "averageValue": "10"},
        }
        assert [each["pods"] for each in more] == ([requests] if exported else [])


def test_autoscalers_grow_fast_and_shrink_slowly(rendering: Rendering):
    def policies(percent, pods):
        return [
            {"type": "Percent", "value": percent, "periodSeconds": 60},
            {"type": "Pods", "value": pods, "periodSeconds": 60},
        ]

    for scaler in rendering.of("HorizontalPodAutoscaler"):
        assert scaler["spec"]["behavior"] == {
            "scaleDown": {"stabilizationWindowSeconds": 300, "selectPolicy": "Min", "policies": policies(10, 2)},
            "scaleUp": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": policies(50, 5)},
        }


def test_pods_are_restricted_by_the_pod_security_standard(rendering: Rendering):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    for workload in rendering.of("Deployment"):
        spec, container = pod_spec(workload), _container(workload)
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()
        assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= {"emptyDir", "secret"}


def test_no_pod_has_a_token_of_the_cluster(rendering: Rendering):
    assert all(each["automountServiceAccountToken"] is False for each in rendering.of("ServiceAccount"))
    assert all(pod_spec(each)["automountServiceAccountToken"] is False for each in rendering.of("Deployment"))


def test_workloads_wear_the_service_accounts_that_have_roles():
    own = {"handover": {"serviceAccounts": {"api": "one", "worker": "two"}}}
    rendering = render("prod", ALL_WORKLOADS | own)
    accounts = {each["metadata"]["name"]: pod_spec(each)["serviceAccountName"] for each in rendering.of("Deployment")}
    assert accounts == {"ai-prism-api": "one", "ai-prism-web": "ai-prism-web", "ai-prism-worker": "two"}


def test_probes_are_those_of_the_strategy(rendering: Rendering):
    expected = {
        "liveness": ("live", 30, 10, 5, 3),
        "readiness": ("ready", 5, 5, 3, 3),
        "startup": ("startup", 10, 10, 5, 30),
    }
    for workload in rendering.of("Deployment"):
        for name, (path, delay, period, timeout, failures) in expected.items():
            assert _container(workload)[f"{name}Probe"] == {
                "httpGet": {"path": f"/health/{path}", "port": "http"},
                "initialDelaySeconds": delay,
                "periodSeconds": period,
                "timeoutSeconds": timeout,
                "successThreshold": 1,
                "failureThreshold": failures,
            }


def test_a_roll_out_outwaits_the_start_up_probe(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        probe = _container(workload)["startupProbe"]
        wait = probe["initialDelaySeconds"] + probe["periodSeconds"] * probe["failureThreshold"]
        assert workload["spec"]["progressDeadlineSeconds"] > wait
    for canary in rendering.of("Canary"):
        workload = rendering.one("Deployment", canary["spec"]["targetRef"]["name"])
        assert canary["spec"]["progressDeadlineSeconds"] == workload["spec"]["progressDeadlineSeconds"]


def test_pods_ask_for_what_the_strategy_says(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        resources = _container(workload)["resources"]
        gpu = {"nvidia.com/gpu": 1} if workload["metadata"]["name"] == "ai-prism-worker" else {}
        requests = {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "500Mi"}
        limits = {"cpu": "1000m", "memory": "2Gi", "ephemeral-storage": "2Gi"}
        assert resources == {"requests": requests | gpu, "limits": limits | gpu}


def test_no_pod_has_a_volume_that_would_tie_it_to_a_zone(rendering: Rendering):
    """Tiers but the web one have a group over all zones, which may bring up its next node in any of them."""
    assert not list(rendering.of("PersistentVolumeClaim", "StatefulSet"))
    for workload in rendering.of("Deployment", "DaemonSet", "Job"):
        kinds = {kind for volume in pod_spec(workload).get("volumes", ()) for kind in volume if kind != "name"}
        assert not kinds & {"persistentVolumeClaim", "ephemeral"}, workload["metadata"]["name"]


def test_volumes_are_bounded_and_fit_into_the_ephemeral_storage(rendering: Rendering):
    """The kubelet counts them: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/"""
    for workload in rendering.of("Deployment"):
        mounts = {each["mountPath"]: each["name"] for each in _container(workload)["volumeMounts"]}
        volumes = {each["name"]: each for each in pod_spec(workload)["volumes"]}
        sizes = [_bytes(volumes[mounts[path]]["emptyDir"]["sizeLimit"]) for path in ("/tmp", "/app/cache")]  # noqa: S108
        assert sizes == [500 * 2**20, 2**30]
        assert sum(sizes) < _bytes(_container(workload)["resources"]["limits"]["ephemeral-storage"])


def test_pods_keep_apart_from_their_like(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        spec, name = pod_spec(workload), workload["metadata"]["name"]
        (apart,) = spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert apart["weight"] == 100
        assert apart["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
        # Flagger writes the primary's name where it finds the Deployment's.
        assert apart["podAffinityTerm"]["labelSelector"]["matchExpressions"] == [
            {"key": "app", "operator": "In", "values": [name]}
        ]
        (spread,) = spec["topologySpreadConstraints"]
        assert spread["topologyKey"] == "topology.kubernetes.io/zone"
        assert spread["labelSelector"] == {"matchLabels": {"app": name}}


def test_each_workload_is_on_its_tier_and_gpus_are_asked_for_where_they_are():
    rendering = render("prod", ALL_WORKLOADS)
    tiers = {each["metadata"]["name"]: pod_spec(each)["nodeSelector"] for each in rendering.of("Deployment")}
    assert tiers == {
        "ai-prism-api": {"tier": "api"},
        "ai-prism-web": {"tier": "web"},
        "ai-prism-worker": {"tier": "gpu"},
    }
    for workload in rendering.of("Deployment"):
        (toleration,) = pod_spec(workload)["tolerations"]
        tier = pod_labels(workload)["tier"]
        wanted = {"key": "nvidia.com/gpu", "value": "true"} if tier == "gpu" else {"key": "tier", "value": tier}
        assert toleration == {"operator": "Equal", "effect": "NoSchedule"} | wanted
        assert ("nvidia.com/gpu" in _container(workload)["resources"]["limits"]) == (tier == "gpu")


def test_updates_replace_a_quarter_of_the_pods_at_a_time(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        assert workload["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        }


def test_a_disruption_budget_never_blocks_a_drain(rendering: Rendering):
    for budget in rendering.of("PodDisruptionBudget"):
        spec = budget["spec"]
        # A percentage of maxUnavailable is rounded up, so that one pod of one may go; what fails may always go.
        # https://kubernetes.io/docs/tasks/run-application/configure-pdb/
        assert "minAvailable" not in spec
        assert int(str(spec["maxUnavailable"]).rstrip("%")) >= 1
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    budgets = {each["metadata"]["name"] for each in rendering.of("PodDisruptionBudget")}
    assert budgets == {each["metadata"]["name"] for each in rendering.of("Deployment")}


def test_pods_are_replaced_when_a_setting_changes_and_only_then():
    def checksum(**settings):
        workload = _api(render("dev", {"settings": settings} if settings else {}))
        return workload["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    assert checksum() == checksum(LOG_LEVEL="INFO") != checksum(LOG_LEVEL="DEBUG")


def test_a_workload_may_say_otherwise_than_the_others():
    own = {
        "workloads": {"api": {"resources": {"limits": {"memory": "4Gi"}}, "probes": {"liveness": {"path": "/live"}}}}
    }
    container = _container(_api(render("dev", own)))
    assert container["resources"]["limits"] == {"cpu": "1000m", "memory": "4Gi", "ephemeral-storage": "2Gi"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert container["livenessProbe"]["initialDelaySeconds"] == 30


def test_settings_name_what_was_handed_over_and_no_secret(rendering: Rendering):
    data = rendering.one("ConfigMap", "ai-prism-api-config")["data"]
    assert data["ENVIRONMENT"] == rendering.environment
    assert data["DATABASE_HOST"].startswith("database.cluster-")
    assert data["DATABASE_READER_HOST"].startswith("database.cluster-ro-")
    assert data["CACHE_TLS"] == "true"
    assert data["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://opentelemetry-collector.monitoring:4317"
    assert not any("secretsmanager" in value for value in data.values())


def test_a_setting_comes_instead_of_what_follows_from_the_hand_over_and_stands_there_once():
    rendering = render("dev", {"settings": {"AWS_REGION": "eu-west-1"}})
    assert rendering.one("ConfigMap", "ai-prism-api-config")["data"]["AWS_REGION"] == "eu-west-1"
    assert rendering.text.count("AWS_REGION:") == 1
