"""No change of values takes pods or the route away: the real Flagger on a real API server, all pairs at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import pytest
import yaml
from chart import STRATEGIES, handover
from engine.delivery.controllers import Controllers
from engine.delivery.deliveries import API, LEAST, WEB, Delivery, Watcher
from engine.delivery.neighbours import Neighbours
from engine.delivery.platform import NODES

from fakes.cluster.cluster import CONTROLLERS, Cluster
from tools.definitions import collect

FIRST, SECOND = "v1", "v2"
PAIRS = tuple(permutations(STRATEGIES, 2))
SECONDS_OF_TWO_LOOKS = 22
"""Of Flagger at a Canary."""


def change_of_strategy(delivery: Delivery, before: str, after: str) -> None:
    """Change the strategy at rest, and again while a version is on its way."""
    delivery.come_up(before, FIRST)
    delivery.apply(after, FIRST)
    time.sleep(SECONDS_OF_TWO_LOOKS)
    delivery.apply(before, FIRST)
    time.sleep(SECONDS_OF_TWO_LOOKS)
    assert delivery.phase() == "Initialized"

    # A roll-out may take a quarter of the running version's pods away, as `rollout` says.
    delivery.least = LEAST - LEAST // 4
    delivery.apply(before, SECOND)
    delivery.eventually(lambda: delivery.phase() in {"Progressing", "Succeeded"}, 90)
    if before != "rolling":
        delivery.eventually(lambda: any(each.get(f"{API}-canary") for each in delivery.weights()), 90)
    delivery.apply(after, SECOND)
    delivery.succeeded(SECOND)


def change_of_limits(delivery: Delivery, strategy: str) -> None:
    """Raise and lower what the autoscaler may do, without a new version."""

    def limits(least: int, most: int) -> dict[str, object]:
        return {"workloads": {"api": {"autoscaling": {"minReplicas": least, "maxReplicas": most}}}}

    fixed = {"workloads": {"api": {"autoscaling": {"enabled": False}, "replicas": LEAST + 1}}}
    delivery.come_up(strategy, FIRST)
    delivery.apply(strategy, FIRST, limits(LEAST + 2, 3 * LEAST))
    delivery.eventually(lambda: delivery.ready(f"{API}-primary") == LEAST + 2, 90)
    delivery.apply(strategy, FIRST, fixed)
    delivery.eventually(lambda: delivery.ready(f"{API}-primary") == LEAST + 1, 90)
    delivery.apply(strategy, FIRST, limits(LEAST + 2, 3 * LEAST))
    delivery.eventually(lambda: delivery.ready(f"{API}-primary") == LEAST + 2, 90)
    # With a new version they stay.
    delivery.apply(strategy, SECOND, limits(LEAST + 2, 3 * LEAST))
    delivery.succeeded(SECOND)
    assert delivery.ready(f"{API}-primary") == LEAST + 2


def change_of_what_is_enabled(delivery: Delivery, strategy: str) -> None:
    """Switch another workload on, off, and on again."""

    def web(*, enabled: bool) -> dict[str, object]:
        return {"workloads": {"web": {"enabled": enabled, "autoscaling": {"minReplicas": 2}}}}

    delivery.come_up(strategy, FIRST)
    for _ in range(2):
        delivery.apply(strategy, FIRST, web(enabled=True))
        delivery.eventually(lambda: delivery.phase(WEB) == "Initialized", 150)
        delivery.eventually(lambda: delivery.ready(f"{WEB}-primary") == 2, 90)
        delivery.apply(strategy, FIRST, web(enabled=False))
        delivery.eventually(lambda: not delivery.ready(f"{WEB}-primary") and not delivery.phase(WEB), 90)


SCENARIOS: dict[str, Callable[[Delivery], None]] = {
    **{
        f"{before}-{after}".lower(): lambda delivery, pair=(before, after): change_of_strategy(delivery, *pair)
        for before, after in PAIRS
    },
    **{
        f"limits-{strategy}".lower(): lambda delivery, strategy=strategy: change_of_limits(delivery, strategy)
        for strategy in STRATEGIES
    },
    **{
        f"enabled-{strategy}": lambda delivery, strategy=strategy: change_of_what_is_enabled(delivery, strategy)
        for strategy in ("canary", "rolling")
    },
}
"""By the namespace in which each runs."""


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Delivery, Future[None]]]]:
    """All scenarios that are asked for, under way at the same time."""
    asked = [item.callspec.params["name"] for item in request.session.items if item.module is request.module]
    folder: Path = tmp_path_factory.mktemp("transitions")
    with (
        Cluster(folder / "cluster", CONTROLLERS, NODES, folder / "logs") as cluster,
        Controllers(folder / "controllers", cluster, folder / "logs") as controllers,
        Neighbours() as neighbours,
        ThreadPoolExecutor(len(asked)) as pool,
    ):
        for chart in ("flagger", "base"):
            for each in yaml.safe_load_all((collect() / f"{chart}.yaml").read_text(encoding="utf-8")):
                cluster.api.apply(each, "definitions", force=True, dry=False)
        controllers.start_flagger_for_all(neighbours.variables, handover()["handover"]["prometheusUrl"])
        deliveries = {name: Delivery(cluster.api, name) for name in asked}
        with Watcher(cluster.api, list(deliveries.values())):
            yield {name: (delivery, pool.submit(SCENARIOS[name], delivery)) for name, delivery in deliveries.items()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_pods_and_route_stay_whatever_changes(outcomes: dict[str, tuple[Delivery, Future[None]]], name: str) -> None:
    delivery, outcome = outcomes[name]
    outcome.result(timeout=500)
    assert delivery.violations == []
