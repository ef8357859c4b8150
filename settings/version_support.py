"""Versions that a stack chooses: whether `versions.yaml` lists them, and how long they are supported."""

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

from settings import versions
from settings.cluster import Cluster
from settings.data_stores import Cache, Database
from settings.naming import PROJECT
from settings.observability import Observability
from settings.section import Problem, show


def versions_are_listed(
    cluster: Cluster, database: Database, cache: Cache, observability: Observability
) -> Iterator[Problem]:
    """Yield a problem for each version that `versions.yaml` does not list, unless AWS may have brought it by itself."""
    for path, product, version, releases in _chosen_versions(cluster, database, cache, observability):
        newer = product in _MOVED_BY_AWS and _newer_than_listed(version, releases)
        if version not in releases and not newer:
            yield Problem(path, f"must be a version that versions.yaml lists ({', '.join(releases)})", show(version))


def _chosen_versions(
    cluster: Cluster, database: Database, cache: Cache, observability: Observability
) -> tuple[tuple[str, str, str, Mapping[str, versions.Release]], ...]:
    known = versions.load()
    search = observability.search
    return (
        (f"{PROJECT}:cluster.version", "Kubernetes", cluster.version, known.kubernetes),
        *_store_versions("database", "Aurora PostgreSQL", database, known.aurora_postgresql),
        *_store_versions("cache", "Valkey", cache, known.valkey),
        *(
            [(f"{PROJECT}:observability.search.version", "OpenSearch", search.version, known.opensearch)]
            if search
            else []
        ),
    )


_MOVED_BY_AWS = ("Aurora PostgreSQL", "Valkey")


def _newer_than_listed(version: str, releases: Mapping[str, versions.Release]) -> bool:
    """Whether it is a minor version that came out after those of its major version that `versions.yaml` lists.

    AWS may have moved a stack to it by itself, so a file that does not know it yet must not stop the stack's updates.
    """
    major = version.partition(".")[0]
    known = [versions.numbers(each) for each in releases if each.partition(".")[0] == major]
    return bool(re.fullmatch(r"\d+\.\d+", version) and known and versions.numbers(version) > max(known))


def _store_versions(
    name: str, product: str, store: Database | Cache, releases: Mapping[str, versions.Release]
) -> Iterator[tuple[str, str, str, Mapping[str, versions.Release]]]:
    yield f"{PROJECT}:{name}.version", product, store.version, releases
    if store.upgrade:
        yield f"{PROJECT}:{name}.upgrade.to", product, store.upgrade.to, releases


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


def _support(product: str, version: str, releases: Mapping[str, versions.Release], today: datetime.date) -> str:
    """Return what there is to say of a version's support, early and late; it never stops an update by itself."""
    release = releases[version]
    ends = release.support_ends
    if ends is not None and release.leaving(today):
        return f"{product} {version} leaves support on {ends}, in {_days((ends - today).days)}"
    if not release.ended(today):
        return ""
    alive = ", ".join(name for name, other in releases.items() if not other.ended(today))
    others = f"supported are {alive}" if alive else "add a later one to versions.yaml, with its source"
    return f"{product} {version} left support on {ends}; {others}"


def warnings(sections: Mapping[str, Any], today: datetime.date) -> tuple[str, ...]:
    """Return what is worth a warning: versions near or past the end of their support, and alarms that reach nobody."""
    chosen = _chosen_versions(sections["cluster"], sections["database"], sections["cache"], sections["observability"])
    leaving = tuple(
        f"{path}: {told}"
        for path, product, version, releases in chosen
        if version in releases and (told := _support(product, version, releases, today))
    )
    leaving += tuple(
        f"{path}: {product} {version} is newer than what versions.yaml lists: add it there, with its source"
        for path, product, version, releases in chosen
        if version not in releases
    )
    untold = sections["environment"].kind == "staging" and not sections["observability"].alert_emails
    nobody = f"{PROJECT}:observability.alert_emails: empty: alarms notify nobody unless something else subscribes"
    return (*leaving, nobody) if untold else leaving
