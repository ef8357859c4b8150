"""A world's plugins."""

import pytest
from engine.world import PLUGINS


@pytest.mark.parametrize("module", ["aws", "eks", "kubernetes", "language_host"])
def test_the_script_of_every_plugin_is_where_the_engine_is_told(module: str):
    assert (PLUGINS / f"{module}.py").is_file()
