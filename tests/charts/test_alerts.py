"""Each alert fires on series on which it must, and on no others, as Prometheus itself would tell."""

import datetime
import json
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart import ENVIRONMENTS, environment_values, refusal, render, running_labels, selects
from monitoring import DASHBOARDS, changed, groups, objects
from promql import known_metrics, mistakes, promtool, reads, recorded_metrics
from support import recorded

from prismctl.project import ROOT

CASES = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))

# What the cases write short.
PRIMARY = (
    'reporter="destination", destination_workload_namespace="ai-prism", destination_workload="ai-prism-api-primary"'
)


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def cases(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text().replace("$primary", PRIMARY))


def checks() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each moment at which an alert is looked at, with its test."""
    for file in CASES:
        for test in cases(file)["tests"]:
            for check in test.get("alert_rule_test", []):
                yield check, test


def minutes(duration: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mh])", duration).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return int(number) * {"m": 1, "h": 60}[unit]


def annotations(rule: dict[str, Any], labels: dict[str, str]) -> dict[str, str]:
    """Return a rule's annotations for an alert; KeyError where they speak of a label that the alert does not carry."""
    return {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda label: labels[label[1]], text)
        for name, text in rule["annotations"].items()
    }


def origins(expression: str) -> set[str]:
    """Return the metrics from which an expression is computed in the end."""
    recorded = {rule["record"]: rule["expr"] for group in groups() for rule in group["rules"] if "record" in rule}
    return {
        origin
        for metric, _ in reads(expression)
        for origin in (origins(recorded[metric]) if metric in recorded else {metric})
    }


def test_prometheus_understands_every_rule(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": groups()}))
    run = promtool("check", "rules", "--lint=all", "--lint-fatal", file)
    assert run.returncode == 0, run.stdout


def test_each_alert_fires_when_it_must_and_not_when_it_must_not(tmp_path: Path) -> None:
    for group in groups():
        # How often rules are evaluated is the case's to say: days go by in longer steps.
        file = tmp_path / f"{group['name'].removeprefix('ai-prism-')}.json"
        file.write_text(json.dumps({"groups": [{"name": group["name"], "rules": group["rules"]}]}))
    files = list[Path]()
    for source in CASES:
        content = cases(source)
        for test in content["tests"]:
            for check in test.get("alert_rule_test", []):
                for expected in check["exp_alerts"]:
                    # A case says when, and with which labels; the words are the rule's.
                    expected["exp_annotations"] = annotations(alerts()[check["alertname"]], expected["exp_labels"])
        file = tmp_path / source.name
        file.write_text(json.dumps(content))
        files.append(file)
    run = promtool("test", "rules", *files)
    assert run.returncode == 0, run.stdout


def test_each_alert_has_a_case_in_which_it_fires() -> None:
    assert {check["alertname"] for check, _ in checks() if check["exp_alerts"]} == alerts().keys()


def test_each_alert_has_a_case_in_which_it_is_silent_though_it_has_seen_and_waited_enough() -> None:
    def silent(name: str, rule: dict[str, Any]) -> bool:
        return any(
            check["alertname"] == name
            and not check["exp_alerts"]
            and minutes(check["eval_time"]) > minutes(rule.get("for", "0m"))
            and origins(rule["expr"])
            <= {metric for each in test["input_series"] for metric, _ in reads(each["series"])}
            for check, test in checks()
        )

    assert [name for name, rule in alerts().items() if not silent(name, rule)] == []


def test_cases_speak_of_alerts_that_exist() -> None:
    # promtool itself finds that an alert which does not exist is silent, as it should be.
    assert {check["alertname"] for check, _ in checks()} <= alerts().keys()


def test_rules_and_cases_read_known_metrics_by_known_labels() -> None:
    known = known_metrics() | recorded_metrics(groups())
    expressions = [rule["expr"] for group in groups() for rule in group["rules"]]
    assert [mistake for expression in expressions for mistake in mistakes(expression, known)] == []
    # `pod` is of whom Prometheus asked.
    series = {each["series"] for _, test in checks() for each in test["input_series"]}
    assert [mistake for each in series for mistake in mistakes(re.sub(r', pod="[ab]"', "", each), known)] == []


def test_each_metric_is_looked_up_for_a_use() -> None:
    expressions = [rule["expr"] for group in groups() for rule in group["rules"]]
    expressions += [
        target["expr"]
        for file in DASHBOARDS.glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        for target in panel.get("targets", [])
    ]
    assert known_metrics().keys() <= {metric for expression in expressions for metric, _ in reads(expression)}


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks" / "alerts.md").read_text(), re.MULTILINE)
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in {"critical", "warning"}, name
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}, name
    anchors = {rule["annotations"]["runbook_url"] for rule in alerts().values()}
    assert {anchor.rpartition("/")[2] for anchor in anchors} == {f"alerts.md#{each.lower()}" for each in headings}


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("slo.availability", 99.5, "vector(1 - 99.5 / 100)"),
        ("alerts.errorRatio", 0.05, "ratio_rate5m > 0.05"),
        ("alerts.minimumRequestRate", 0.1, "rate5m > 0.1"),
        ("alerts.latency.quantile", 0.99, "histogram_quantile(\n  0.99,"),
        ("alerts.latency.milliseconds", 250, ") > 250\n"),
        ("alerts.argocd.namespace", "gitops", 'namespace="gitops"'),
        ("alerts.argocd.application", "other", 'name="other"'),
    ],
)
def test_values_decide(setting: str, value: Any, part: str) -> None:
    def found(groups: list[dict[str, Any]]) -> bool:
        return any(part in rule["expr"] for group in groups for rule in group["rules"])

    assert found(groups(setting, value))
    assert not found(groups())


def test_where_argo_cd_may_always_sync_whoever_is_called_is_called_at_any_hour() -> None:
    def expression(environment: str) -> str:
        rules = (
            rule for group in render(environment).one("PrometheusRule")["spec"]["groups"] for rule in group["rules"]
        )
        return next(rule["expr"] for rule in rules if rule.get("alert") == "ApplicationOutOfSync")

    closed = {
        each
        for each in ENVIRONMENTS
        for project in recorded(each, known=True).resources
        if project.get("kind") == "AppProject" and project["spec"].get("syncWindows")
    }
    assert {each for each in ENVIRONMENTS if "hour()" in expression(each)} == closed


@pytest.mark.parametrize("day", ["2027-01-15", "2027-07-15"])
def test_the_hours_of_the_alert_are_within_the_sync_window_in_winter_and_in_summer(day: str) -> None:
    [project] = [each for each in recorded("prod", known=True).resources if each.get("kind") == "AppProject"]
    [window] = project["spec"]["syncWindows"]
    begins, zone = int(window["schedule"].split()[1]), zoneinfo.ZoneInfo(window["timeZone"])
    lasts = int(window["duration"].removesuffix("h"))
    assert window["schedule"] == f"0 {begins} * * 1-5"
    opens = datetime.datetime.fromisoformat(day).replace(hour=begins, tzinfo=zone).astimezone(datetime.UTC)
    hours = environment_values("prod")["monitoring"]["alerts"]["syncHours"]
    assert opens.hour <= hours["from"] < hours["to"] <= opens.hour + lasts, (
        "charts/ai-prism/values-prod.yaml: monitoring.alerts.syncHours must lie within the sync window of prod "
        f"(gitops.time_zone of Pulumi.prod.yaml), in UTC {opens.hour} to {opens.hour + lasts} on {day}, got {hours}"
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("alerts.syncHours.from", None),
        ("alerts.syncHours.to", 25),
        ("slo.availability", 100),
        ("slo.availability", 0.999),
        ("alerts.errorRatio", 1),
        ("alerts.minimumRequestRate", 0),
        ("alerts.latency.quantile", 95),
        ("alerts.runbooks", "docs/runbooks"),
        ("serviceMonitor.interval", "30"),
        ("alarms", {"enabled": True}),
    ],
)
def test_bad_values_are_refused_by_name(setting: str, value: Any) -> None:
    assert setting.rpartition(".")[2] in refusal(changed(setting, value))


@pytest.mark.parametrize(
    ("setting", "left"),
    [("enabled", []), ("alerts.enabled", ["ServiceMonitor"]), ("serviceMonitor.enabled", ["PrometheusRule"])],
)
def test_what_is_switched_off_is_not_there(setting: str, left: list[str]) -> None:
    kinds = ("PrometheusRule", "ServiceMonitor")
    assert [kind for kind in kinds for _ in objects(kind, setting, False)] == left


def test_services_are_scraped_by_their_port_for_metrics() -> None:
    rendering = render("prod")
    spec = rendering.one("ServiceMonitor")["spec"]
    assert spec["endpoints"] == [{"port": "metrics", "path": "/metrics", "interval": "30s"}]
    services = [each for each in rendering.of("Service") if selects(spec["selector"], each["metadata"]["labels"])]
    delivered = {
        f"{each['metadata']['name']}{suffix}" for each in rendering.of("Canary") for suffix in ("", "-primary")
    }
    for pod in running_labels(rendering):
        if pod["app"] not in delivered:
            [service] = [each for each in services if each["spec"]["selector"].items() <= pod.items()]
            assert {"metrics"} <= {port["name"] for port in service["spec"]["ports"]}
    # Of the services that Flagger makes, those that have each pod once.
    service = rendering.one("Canary", "ai-prism-api")["spec"]["service"]
    scraped = [
        each
        for each in ("apex", "primary", "canary")
        if selects(spec["selector"], service.get(each, {}).get("labels", {}))
    ]
    assert scraped == ["primary", "canary"]
    assert service["portDiscovery"] is True
