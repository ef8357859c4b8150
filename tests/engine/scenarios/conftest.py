"""Worlds for the scenarios; each is private to a test, and gone after it."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from engine import real
from engine.kubernetes_world import KubernetesWorld
from engine.turns import DAY, FULL
from engine.world import World
from support import STACKS

from fakes.cluster.cluster import CONTROLLERS, Cluster

_OF_TODAY = STACKS[DAY.toordinal() % len(STACKS)]
_SMALLEST_OR_LARGEST = ("dev", "prod")[DAY.toordinal() % 2]
"""By turns: one instance and one gateway, or readers, a gateway in each zone, and protection."""
_SOME = {
    "test_changes": (_SMALLEST_OR_LARGEST,),
    "test_data_stores": (_SMALLEST_OR_LARGEST,),
    "test_fresh_account": ("prod",),
    "test_policies": ("prod",),
    "test_roles": ("prod",),
    "test_failures": (_OF_TODAY,),
    "test_interruptions": (_OF_TODAY,),
    "test_state": (_OF_TODAY,),
}
"""Which stacks stand for all where they differ in nothing but numbers, unless others are asked for."""


def pytest_configure() -> None:
    """Let all workers have the same day, over midnight too; end at once where a real plugin is not there."""
    os.environ["E2E_DAY"] = DAY.isoformat()
    try:
        for name in real.chosen():
            real.find(name)
    except real.RealPluginError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header() -> str:
    plugins = f"; real: {', '.join(sorted(real.chosen()))}" if real.chosen() else ""
    stacks = f"{_OF_TODAY} and {_SMALLEST_OR_LARGEST}"
    return f"the day is {DAY}, whose stacks are {stacks}; to repeat it: E2E_DAY={DAY}{plugins}"


def stacks(module: str) -> tuple[str, ...]:
    """Return the stacks that a module's tests run on; raises UsageError for one that does not exist."""
    asked = os.environ.get("STACK")
    if asked and asked not in (*STACKS, "all"):
        raise pytest.UsageError(f"no stack called {asked!r}; possible are {', '.join(STACKS)}, or all")
    if asked in STACKS:
        return (asked,)
    return STACKS if asked or FULL else _SOME.get(module, STACKS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on its stacks."""
    name = _name(metafunc.module)
    for fixture in ("world", "standing", "stack"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, stacks(name), indirect=True)


_KILLS = {"test_interruptions", "test_lifecycle"}
"""Modules that kill the engine, and one that runs it as users do: these keep the state after every step."""


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, shared: Path) -> Iterator[World]:
    """A stack on an empty account."""
    with World(tmp_path / "world", request.param, shared / "cache") as world:
        world.checkpoints = _name(request.module) in _KILLS
        world.init()
        yield world


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture
def standing(request: pytest.FixtureRequest, tmp_path: Path, shared: Path) -> Iterator[World]:
    """A stack as it stands after its first update, which is made once in a run."""
    snapshot = shared / f"standing-{request.param}"
    with (shared / f"{snapshot.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not snapshot.exists():
            with World(shared / f"making-{request.param}", request.param, shared / "cache") as world:
                world.init()
                world.up().must()
                world.keep(snapshot)
    with World(tmp_path / "world", request.param, shared / "cache") as world:
        world.checkpoints = _name(request.module) in _KILLS
        world.take(snapshot)
        yield world


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that the tests of this file share; each leaves it as it was."""
    with Cluster(tmp_path_factory.mktemp("kubernetes") / "cluster", CONTROLLERS) as cluster:
        yield cluster


@pytest.fixture
def program(cluster: Cluster, tmp_path: Path) -> Iterator[KubernetesWorld]:
    with KubernetesWorld(tmp_path / "world", cluster, tmp_path) as program:
        yield program
        program.destroy().must()
