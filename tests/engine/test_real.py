"""Real plugins in place of fakes: taken where they are, and told where they are not."""

from pathlib import Path

import pytest
from engine import real
from engine.kubernetes_world import KubernetesWorld
from engine.world import World


def test_nothing_is_real_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REAL", raising=False)
    assert real.chosen() == frozenset()
    monkeypatch.setenv("REAL", "kubernetes,python")
    assert real.chosen() == KubernetesWorld.can_be_real > World.can_be_real


def test_what_cannot_be_real_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAL", "python,aws")
    with pytest.raises(real.RealPluginError, match="aws cannot be real; possible are kubernetes, python"):
        real.chosen()


def test_a_plugin_that_is_not_there_is_told_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(real.RealPluginError, match="pulumi plugin install resource kubernetes"):
        real.find("kubernetes")
    with pytest.raises(real.RealPluginError, match="comes with Pulumi's CLI"):
        real.find("python")
