"""A new version gets traffic step by step, is measured, and is taken back where it fails."""

import re

import pytest
from chart import ALL_WORKLOADS, Rendering, pod_spec, render

HOST = "api.ai-prism.com"


def _canary(strategy, **delivery):
    return render("prod", {"delivery": {"strategy": strategy, **delivery}}).one("Canary", "ai-prism-api")["spec"]


def _weights(analysis):
    """Yield the weights that Flagger gives to the new version.

    https://github.com/fluxcd/flagger/blob/v1.44.0/pkg/controller/scheduler.go (maxWeight, nextStepWeight, runCanary)
    """
    # With iterations it would be blue-green or A/B testing of Flagger's own, and no weight would be used.
    assert "iterations" not in analysis
    steps = analysis.get("stepWeights")
    weight, most = 0, min(100, steps[-1]) if steps else analysis["maxWeight"]
    while weight < most:
        if not steps:
            weight += analysis["stepWeight"]
        elif weight == 0:
            weight = steps[0]
        else:
            weight = steps[steps.index(weight) + 1]
        yield weight


def test_a_canary_gets_a_tenth_of_the_traffic_more_each_minute_up_to_half():
    analysis = _canary("canary")["analysis"]
    assert (analysis["interval"], analysis["threshold"]) == ("1m", 5)
    assert (analysis["maxWeight"], analysis["stepWeight"]) == (50, 10)
    assert list(_weights(analysis)) == [10, 20, 30, 40, 50]


def test_blue_green_moves_all_traffic_in_the_steps_of_the_strategy():
    analysis = _canary("blueGreen")["analysis"]
    assert list(_weights(analysis)) == [10, 25, 50, 75, 100]
    assert (analysis["interval"], analysis["threshold"]) == ("5m", 5)


def test_an_a_b_test_sends_marked_requests_to_the_new_version():
    analysis = _canary("abTest")["analysis"]
    assert not {"stepWeight", "stepWeights", "maxWeight"} & analysis.keys()
    assert (analysis["interval"], analysis["iterations"]) == ("1m", 10)
    header, cookie = (each["headers"] for each in analysis["match"])
    assert header == {"x-canary": {"exact": "insider"}}
    for text in ("canary=always", "theme=dark;canary=always", "canary=always;theme=dark"):
        assert re.fullmatch(cookie["cookie"]["regex"], text)
    assert not re.fullmatch(cookie["cookie"]["regex"], "canary=never")


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "abTest"])
def test_a_new_version_is_measured_by_success_duration_and_cpu(strategy):
    success, duration, cpu = _canary(strategy)["analysis"]["metrics"]
    assert success == {"name": "request-success-rate", "interval": "1m", "thresholdRange": {"min": 99}}
    assert duration == {"name": "request-duration", "interval": "1m", "thresholdRange": {"max": 500}}
    assert (cpu["name"], cpu["thresholdRange"], cpu["interval"]) == ("cpu-usage", {"max": 90}, "1m")


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "abTest"])
def test_it_is_accepted_before_it_gets_traffic_and_loaded_while_it_is_measured(strategy):
    accept, first, load = _canary(strategy)["analysis"]["webhooks"]
    url = "http://ai-prism-api-canary.ai-prism:8080/health"
    assert (accept["name"], accept["type"], accept["timeout"]) == ("acceptance-test", "pre-rollout", "30s")
    assert accept["metadata"] == {"type": "bash", "cmd": f"curl -sd 'test' {url} | grep OK"}
    assert (load["name"], load["type"], load["timeout"]) == ("load-test", "rollout", "5s")
    assert load["metadata"] == {"type": "cmd", "cmd": f"hey -z {_load(strategy)}s -q 10 -c 2 {url}"}
    # The first check needs metrics, and so a load that began before it: the one that began with it has none yet.
    assert first == load | {"name": first["name"], "type": "pre-rollout"}
    assert {accept["url"], load["url"]} == {"http://flagger-loadtester.flagger-system/"}


def _load(strategy):
    return {"blueGreen": 5 * 60 - 5}.get(strategy, 60 - 5)


def _seconds(duration):
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "abTest"])
@pytest.mark.parametrize("interval", ["10s", "90s", "10m", None])
def test_there_is_load_in_the_range_of_the_metrics_at_every_check_and_it_is_over_when_the_next_one_begins(
    strategy, interval
):
    values = {"interval": interval, "blueGreen": {"interval": interval}} if interval else {}
    analysis = _canary(strategy, **values)["analysis"]
    (load,) = (each for each in analysis["webhooks"] if each["name"] == "load-test")
    lasts, every = (_seconds(each) for each in (load["metadata"]["cmd"].split()[2], analysis["interval"]))
    # One that is running is not started again, so that the check after the next one would find no requests.
    # https://github.com/fluxcd/flagger/blob/v1.44.0/pkg/loadtester/runner.go
    assert lasts < every
    # Most of each range has load in it.
    assert all(every - lasts <= _seconds(metric["interval"]) / 2 for metric in analysis["metrics"])


def test_the_primary_is_routed_to_by_the_gateway_and_scaled_by_its_own_autoscaler(strategy):
    spec = _canary(strategy)
    assert spec["targetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ai-prism-api"}
    assert spec["autoscalerRef"]["name"] == "ai-prism-api-hpa"
    service = spec["service"]
    assert service["gateways"] == ["ai-prism-gateway", "mesh"]
    assert service["hosts"] == [HOST]
    assert (service["port"], service["targetPort"]) == (8080, 8080)
    assert service["trafficPolicy"] == {"tls": {"mode": "ISTIO_MUTUAL"}}


def test_flagger_alone_makes_the_services_and_routes_of_what_it_delivers(strategy):
    rendering = render("prod", {"delivery": {"strategy": strategy}, **ALL_WORKLOADS})
    assert not list(rendering.of("VirtualService", "DestinationRule"))
    assert {each["metadata"]["name"] for each in rendering.of("Service")} == {"ai-prism-worker"}
    assert {each["metadata"]["name"] for each in rendering.of("Canary")} == {"ai-prism-api", "ai-prism-web"}


def test_a_change_of_the_strategy_changes_how_a_canary_judges_and_nothing_else(strategy):
    """Without its Canary the primary would go, with its services and its route, and no pod would be left.

    https://docs.flagger.app/usage/how-it-works#canary-finalizers
    """
    before, after = (
        render("prod", {"delivery": {"strategy": each}, **ALL_WORKLOADS}).objects for each in ("canary", strategy)
    )
    for one, other in zip(before, after, strict=True):
        same = one if one["kind"] != "Canary" else one | {"spec": other["spec"] | {"service": one["spec"]["service"]}}
        assert same == other


def test_rolling_looks_at_nothing_but_whether_the_new_version_is_ready():
    assert _canary("rolling")["skipAnalysis"] is True
    assert not any(_canary(each).get("skipAnalysis") for each in ("canary", "blueGreen", "abTest"))


def test_the_worker_has_no_route_and_a_service_for_its_metrics_alone(strategy):
    rendering = render("prod", {"delivery": {"strategy": strategy}, **ALL_WORKLOADS})
    assert not rendering.has("VirtualService", "ai-prism-worker")
    assert not rendering.has("Canary", "ai-prism-worker")
    (port,) = rendering.one("Service", "ai-prism-worker")["spec"]["ports"]
    assert port == {"name": "metrics", "port": 8081, "targetPort": "metrics", "protocol": "TCP"}


def test_a_workload_without_a_public_name_is_reached_from_inside_only(strategy):
    inside = {"delivery": {"strategy": strategy}, "workloads": {"web": {"enabled": True}}}
    rendering = render("prod", inside)
    assert rendering.one("Canary", "ai-prism-web")["spec"]["service"]["gateways"] == ["mesh"]
    assert rendering.one("Gateway")["spec"]["servers"][0]["hosts"] == [HOST]


def test_the_gateway_takes_the_public_names_alone(rendering: Rendering):
    spec = rendering.one("Gateway", "ai-prism-gateway")["spec"]
    assert spec["selector"] == {"istio": "ingressgateway"}
    (server,) = spec["servers"]
    assert server["port"] == {"number": 8080, "name": "http", "protocol": "HTTP"}
    routed = {host for each in rendering.of("Canary") for host in each["spec"]["service"].get("hosts", [])}
    assert set(server["hosts"]) == routed


def test_pods_accept_nothing_but_mutual_tls(rendering: Rendering):
    policy = rendering.one("PeerAuthentication", "default")
    assert policy["spec"] == {"mtls": {"mode": "STRICT"}}
    for workload in rendering.of("Deployment"):
        assert workload["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "true"


def test_each_pod_is_behind_exactly_one_service_that_is_scraped(rendering: Rendering):
    for canary in rendering.of("Canary"):
        service = canary["spec"]["service"]
        assert service["portDiscovery"] is True
        assert service["primary"]["labels"] == service["canary"]["labels"] == {"app.kubernetes.io/part-of": "ai-prism"}
        # It is in front of the primary's pods, too.
        assert "apex" not in service
    for service in rendering.of("Service"):
        assert service["metadata"]["labels"]["app.kubernetes.io/part-of"] == "ai-prism"
        assert "metrics" in {each["name"] for each in service["spec"]["ports"]}


def test_metrics_can_be_scraped_in_spite_of_strict_mutual_tls_and_count_once(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        annotations = workload["spec"]["template"]["metadata"]["annotations"]
        assert annotations["traffic.sidecar.istio.io/excludeInboundPorts"] == "8081"
        assert annotations["prometheus.istio.io/merge-metrics"] == "false"
        assert annotations["prometheus.io/port"] == "8081"


def test_cpu_is_measured_at_the_new_pods_only():
    rendering = render("prod")
    template = rendering.one("MetricTemplate", "cpu-usage")["spec"]
    assert template["provider"] == {"type": "prometheus", "address": "http://prometheus-operated.monitoring:9090"}
    cpu = rendering.one("Canary", "ai-prism-api")["spec"]["analysis"]["metrics"][2]
    assert cpu["templateRef"] == {"name": "cpu-usage"}
    (container,) = pod_spec(rendering.one("Deployment", "ai-prism-api"))["containers"]
    assert cpu["templateVariables"] == {"container": container["name"]}
    query = template["query"].replace("{{ target }}", "ai-prism-api")
    patterns = re.findall(r'pod=~"(.+)"', query)
    assert len(patterns) == 2
    for pattern in patterns:
        assert re.fullmatch(pattern, "ai-prism-api-7d9c6b5f4-x2x7k")
        assert not re.fullmatch(pattern, "ai-prism-api-primary-7d9c6b5f4-x2x7k")
    assert set(re.findall(r"{{ (\S+) }}", template["query"])) == {
        "namespace", "target", "interval", "variables.container",
    }  # fmt: skip


def test_a_test_may_shorten_all_that_takes_time():
    short = {
        "delivery": {
            "interval": "10s",
            "progressDeadlineSeconds": 40,
            "metrics": {"interval": "10s"},
            "blueGreen": {"interval": "10s"},
        },
        "defaults": {"probes": {"startup": {"initialDelaySeconds": 0, "periodSeconds": 1}}},
        "secrets": {"database": {"refreshInterval": "5s"}, "apiKeys": {"refreshInterval": "5s"}},
    }
    rendering = render("dev", short)
    analysis = rendering.one("Canary")["spec"]["analysis"]
    assert analysis["interval"] == "10s"
    assert {each["interval"] for each in analysis["metrics"]} == {"10s"}
    assert {each["spec"]["refreshInterval"] for each in rendering.of("ExternalSecret")} == {"5s"}
    assert rendering.one("Deployment")["spec"]["progressDeadlineSeconds"] == 40
