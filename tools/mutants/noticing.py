"""Which tests should notice an edit of a file, in the order in which they are asked."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MARKED = "not golden and not sweep"
"""A golden notices each change and says nothing of what it means: it is no reason to believe that users are safe."""

WHOLE_PROGRAM = (
    "tests/test_program.py",
    "tests/components",
    "tests/iam",
    "tests/policy/test_adapter.py",
    "tests/policy/test_workloads.py",
    "tests/fakes/aws/test_schemas.py::test_aws_takes_every_resource_of_the_program[dev]",
)
"""What looks at each resource of the program, the likeliest to notice first."""
ALL = ("tests",)
MIRRORED_ELSEWHERE = {
    "charts": ("tests/charts",),
    "components/apps/alertmanager.py": ("tests/components/apps/test_kube_prometheus_stack.py",),
    "components/apps/archives.py": ("tests/components/apps/test_charts.py", "tests/components/apps/test_installer.py"),
    "components/apps/argo_cd_configuration.py": ("tests/components/apps/test_argo_cd.py",),
    "components/apps/argo_cd_rights.py": ("tests/components/apps/test_argo_cd.py",),
    "components/apps/argo_cd_secrets.py": ("tests/components/apps/test_argo_cd.py",),
    "components/apps/grafana.py": ("tests/components/apps/test_kube_prometheus_stack.py",),
    "components/decision_tags.py": ("tests/components/test_cache.py", "tests/components/test_database.py"),
    "components/endpoints.py": ("tests/iam/test_endpoints.py",),
    "components/image_lifecycle.py": ("tests/components/test_registry.py", "tests/components/test_image_cache.py"),
    "components/image_places.py": ("tests/components/test_image_cache.py", "tests/components/test_roles.py"),
    "components/node_sizes.py": ("tests/components/test_node_group.py", "tests/components/test_nodes.py"),
    "components/permissions.py": ("tests/components/test_delivery_access.py", "tests/iam/test_deployment.py"),
    "components/platform_alarms": ("tests/components/platform_alarms",),
    "settings": ("tests/settings",),
    "policy/rules": ("tests/policy/test_fixtures.py",),
}
"""Tests that mirror a file, or all files of a folder, under another name."""
BEHIND = {
    "components": WHOLE_PROGRAM,
    "settings": ("tests/settings", *WHOLE_PROGRAM),
    "policy": ("tests/policy",),
    "charts": ("tests/charts",),
}


def stages(root: Path, file: str, *, mirror: bool = False) -> list[list[str]]:
    """Return pytest's arguments, one list after the other: the tests that mirror the file, then those behind them.

    No test is in two stages, and none is a file that is not there. With `mirror` there are only the former.
    """
    own = sorted(set(_own(root, PurePosixPath(file))))
    if mirror:
        return [own] if own else []
    behind = [each for argument in BEHIND[file.partition("/")[0]] for each in _files(root, argument)]
    rest = [each for each in dict.fromkeys(behind) if each not in own]
    return [stage for stage in (own, rest) if stage]


def _own(root: Path, file: PurePosixPath) -> Iterator[str]:
    """Yield the tests that mirror a file; its tests may be cut by subject, as test_cache_logins.py."""
    for place in (file, *file.parents):
        for argument in MIRRORED_ELSEWHERE.get(place.as_posix(), ()):
            yield from _files(root, argument)
    folder = root / "tests" / file.parent
    if file.suffix == ".py" and folder.is_dir():
        for pattern in (f"test_{file.stem}.py", f"test_{file.stem}_*.py"):
            yield from (each.relative_to(root).as_posix() for each in folder.glob(pattern))


def _files(root: Path, argument: str) -> list[str]:
    path = root / argument
    if path.is_dir():
        return sorted(each.relative_to(root).as_posix() for each in path.rglob("test_*.py"))
    return [argument] if (root / argument.partition("::")[0]).is_file() else []
