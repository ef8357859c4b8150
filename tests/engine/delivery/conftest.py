"""One platform for all tests: it takes a while to come up."""

from collections.abc import Iterator

import pytest
from engine.delivery.platform import Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that the engine has brought up."""
    with Platform(tmp_path_factory.mktemp("delivery")) as platform:
        yield platform
