"""The part of the chart that watches the application, as Helm renders it."""

from typing import Any

from chart import CHART, at, render

DASHBOARDS = CHART / "files" / "dashboards"


def objects(kind: str, setting: str = "", value: Any = None) -> list[dict[str, Any]]:
    """Return the production's objects of a kind; a setting is one such as `alerts.enabled`."""
    return list(render("prod", changed(setting, value) if setting else None).of(kind))


def groups(setting: str = "", value: Any = None) -> list[dict[str, Any]]:
    """Return the groups of the chart's rules."""
    return [group for each in objects("PrometheusRule", setting, value) for group in each["spec"]["groups"]]


def changed(setting: str, value: Any) -> dict[str, Any]:
    """Return values in which one setting of the monitoring is another."""
    return at(("monitoring", *setting.split(".")), value)
