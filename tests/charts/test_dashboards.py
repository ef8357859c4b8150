"""Dashboards that Grafana opens and Prometheus answers."""

import json
import re
from pathlib import Path
from typing import Any

import monitoring
import pytest
from monitoring import groups, objects
from promql import known_metrics, mistakes, promtool, reads, recorded_metrics

DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in sorted(monitoring.DASHBOARDS.glob("*.json"))}

# https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
UNITS = {"ms", "none", "percent", "percentunit", "reqps", "short"}

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """Return a dashboard's queries as Grafana sends them."""
    values = {each["name"]: each["query"] for each in dashboard["templating"]["list"]}
    values["__rate_interval"] = "5m"
    return [
        re.sub(r"\$(\w+)", lambda variable: values[variable[1]], target["expr"])
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    queries = {query for dashboard in DASHBOARDS.values() for query in expressions(dashboard)}
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(sorted(queries))]
    file = tmp_path / "queries.json"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    run = promtool("check", "rules", file)
    assert run.returncode == 0, run.stdout


@each_dashboard
def test_queries_read_known_metrics_by_known_labels(dashboard: dict[str, Any]) -> None:
    known = known_metrics() | recorded_metrics(groups())
    assert [mistake for query in expressions(dashboard) for mistake in mistakes(query, known)] == []


@each_dashboard
def test_counters_are_shown_as_rates_and_quantiles_are_of_buckets(dashboard: dict[str, Any]) -> None:
    for query in expressions(dashboard):
        counters = [metric for metric, _ in reads(query) if metric.endswith(("_total", "_bucket"))]
        assert len(counters) == len(re.findall(r"\b(?:rate|increase)\(\w+_(?:total|bucket){[^}]*}\[\w+\]\)", query)), (
            query
        )
        assert query.count("histogram_quantile(") == len(
            re.findall(r"sum by \((?:\w+, )*le\) \(rate\(\w+_bucket", query)
        ), query


@each_dashboard
def test_panels_have_a_title_a_unit_and_a_place_of_their_own(dashboard: dict[str, Any]) -> None:
    taken = set[tuple[int, int]]()
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["targets"]
        unit = panel["fieldConfig"]["defaults"]["unit"]
        assert unit in UNITS or unit.startswith("suffix:"), panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@each_dashboard
def test_variables_are_declared_and_used(dashboard: dict[str, Any]) -> None:
    text = json.dumps(dashboard["panels"])
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}
    assert used == {each["name"] for each in dashboard["templating"]["list"]}
    assert text.count('"uid": "${datasource}"') == len(dashboard["panels"])


def test_each_dashboard_has_a_name_of_its_own() -> None:
    for key in ("uid", "title"):
        assert len({dashboard[key] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)
    # https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#identifier-id-vs-unique-identifier-uid
    assert max(len(dashboard["uid"]) for dashboard in DASHBOARDS.values()) <= 40


def test_dashboards_and_alerts_speak_of_the_same_requests() -> None:
    [rule] = [rule for group in groups() for rule in group["rules"] if rule.get("record") == "ai_prism:requests:rate5m"]
    [selector] = re.findall(r"{.*}", rule["expr"])
    [panel] = [panel for panel in DASHBOARDS["application"]["panels"] if panel["title"] == "Traffic"]
    [query] = expressions({**DASHBOARDS["application"], "panels": [panel]})
    assert selector in query


def test_grafana_finds_each_as_it_is_written() -> None:
    found = [each for each in objects("ConfigMap") if each["metadata"]["labels"].get("grafana_dashboard") == "1"]
    written = {file: json.loads(text) for each in found for file, text in each["data"].items()}
    assert written == {f"ai-prism-{name}.json": dashboard for name, dashboard in DASHBOARDS.items()}


@pytest.mark.parametrize("setting", ["enabled", "dashboards.enabled"])
def test_dashboards_can_be_left_out(setting: str) -> None:
    assert not [each for each in objects("ConfigMap", setting, False) if "dashboard" in each["metadata"]["name"]]
