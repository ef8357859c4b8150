"""Reads from the application's chart what the platform must know: the chart's values stay the one place for it."""

from pathlib import Path
from typing import Any

import pulumi
import yaml

from settings.yaml_files import Loader

CHART = "charts/ai-prism"
ROOT = Path(__file__).resolve().parent.parent
_MOST = ("workloads", "api", "autoscaling", "maxReplicas")


def api_max_replicas(environment: str, chart: Path = ROOT / CHART) -> int:
    """Return how many pods of the API there are at most in a kind of environment.

    Raises RunError where the chart's values for it cannot be read or do not say so.
    """
    file = chart / f"values-{environment}.yaml"
    name = f"{CHART}/{file.name}"
    try:
        value: Any = yaml.load(file.read_bytes(), Loader=Loader)  # noqa: S506  # derives from the safe one
    except OSError as error:
        raise pulumi.RunError(f"{name}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise pulumi.RunError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    for key in _MOST:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int) or value < 1:
        found = "nothing" if value is None else f"{value!r}"
        raise pulumi.RunError(f"{name}: {'.'.join(_MOST)}: must be a whole number of at least 1, got {found}")
    return value
