"""What holds for all tests."""

import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# An f-string over an Output is a mistake that would otherwise be deployed as text.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
from support import STACKS, TODAY, recorded

os.environ["AI_PRISM_TODAY"] = TODAY  # the program reads it when it runs

from recording.graph import Graph

# A shell lets what it starts in the background ignore interrupts, and so would all that a test starts and interrupts.
for interrupt in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(interrupt) is signal.SIG_IGN:
        signal.signal(interrupt, signal.default_int_handler)

# Runs allocate much and free little; collecting in between would take a quarter of the time.
gc.disable()

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Each stack in turn."""
    return request.param


@pytest.fixture
def unknown(stack: str) -> Graph:
    """Each stack as on an empty account: computed values unknown."""
    return recorded(stack, known=False)


@pytest.fixture
def known(stack: str) -> Graph:
    """Each stack as after an update: computed values known."""
    return recorded(stack, known=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make generate` write the golden files."""
    parser.addoption("--golden", action="store_true", help="write the golden graphs instead of comparing with them")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines which tests had no third-party charts or servers, by one name, however many they are."""
    reasons = [
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    for what in ("third-party charts: ", "servers: "):
        without = [reason for reason in reasons if reason.startswith(what)]
        if without:
            terminalreporter.write_line(f"SKIPPED {len(without)} tests of {without[0]}", yellow=True)


def pytest_sessionfinish() -> None:
    """Let the end of a run not look through all that is recorded: pytest collects several times before it goes."""
    gc.freeze()
