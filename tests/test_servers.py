"""Who has no servers is told so by one name."""

import importlib.util

import pytest
import servers


def test_without_servers_the_tests_that_log_in_are_skipped_by_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with (
        pytest.raises(pytest.skip.Exception, match=r"^servers: .* make servers$"),
        servers.running(["localhost"]),
    ):
        pass
