"""The look at what an expression reads."""

import pytest
from promql import mistakes, reads

KNOWN = {"requests_total": {"code", "pod"}, "a:requests:rate5m": set[str]()}


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("vector(1 - 99.9 / 100)", []),
        ("a:requests:rate5m > 1e3", [("a:requests:rate5m", set())]),
        ('sum by (pod) (rate(up{code=~"5..", pod!="a{b}[c"}[5m:30s] offset 1h))', [("up", {"code", "pod"})]),
        ("sum(a) by (b) / on (c) group_left (d) e and f unless bool", [("a", set()), ("e", set()), ("f", set())]),
        ("absent(up{}) or max_over_time(up[1d])", [("up", set()), ("up", set())]),
    ],
)
def test_metrics_and_their_labels_are_found(expression: str, read: list[tuple[str, set[str]]]) -> None:
    assert list(reads(expression)) == read


def test_unknown_metrics_and_labels_are_told() -> None:
    assert mistakes('sum by (pod) (rate(requests_total{code="500"}[5m]))', KNOWN) == []
    assert mistakes('sum by (pd) (rate(requests_total{cod="500"}[5m])) / request_total', KNOWN) == [
        "requests_total has no label cod",
        "no such metric: request_total",
        "nothing has a label pd to group by",
    ]
