"""The chart as it is rendered for every environment and every way of delivery."""

import pytest
from chart import ALL_WORKLOADS, ENVIRONMENTS, STRATEGIES, Rendering, render
from support import sample

# Staging and integration are delivered by the templates that dev and prod are delivered by.
_CASES = [
    *sample(
        [(environment, strategy, {}) for environment in ENVIRONMENTS for strategy in STRATEGIES],
        *((environment, strategy, {}) for environment in ("dev", "prod") for strategy in STRATEGIES),
        ("staging", "canary", {}),
        ("integration", "canary", {}),
    ),
    *(("dev", strategy, ALL_WORKLOADS) for strategy in STRATEGIES),
]


@pytest.fixture(params=_CASES, ids=lambda case: "-".join((*case[:2], *(["all"] if case[2] else []))))
def rendering(request: pytest.FixtureRequest) -> Rendering:
    """Each environment in each way of delivery, and once with all workloads."""
    environment, strategy, more = request.param
    return render(environment, {"delivery": {"strategy": strategy}, **more})


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> str:
    """Each way of delivery."""
    return request.param


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    """Each environment."""
    return request.param
