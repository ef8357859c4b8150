"""What the platform reads from the application's chart."""

from pathlib import Path

import pulumi
import pytest
import yaml
from chart import ENVIRONMENTS

from prismctl.project import ROOT
from settings.chart_values import CHART, api_max_replicas


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_chart_alone_says_how_many_pods_of_the_api_there_are(environment: str) -> None:
    values = yaml.safe_load((ROOT / CHART / f"values-{environment}.yaml").read_text(encoding="utf-8"))
    assert api_max_replicas(environment) == values["workloads"]["api"]["autoscaling"]["maxReplicas"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workloads: {api: {autoscaling: {minReplicas: 2}}}", "must be a whole number of at least 1, got nothing"),
        ("workloads: {api: {autoscaling: {maxReplicas: 0}}}", "must be a whole number of at least 1, got 0"),
        ("workloads: {api: {autoscaling: {maxReplicas: many}}}", "must be a whole number of at least 1, got 'many'"),
        ("workloads: api", "must be a whole number of at least 1, got nothing"),
        ("workloads: [", "not valid YAML"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_values_that_do_not_say_it_are_an_error_with_the_file(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "values-dev.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(pulumi.RunError, match=r"charts/ai-prism/values-dev\.yaml: ") as error:
        api_max_replicas("dev", tmp_path)
    assert said in str(error.value)
