"""The update bot finds every version that is pinned: what it does not find grows old unseen."""

import json
import re
from collections import Counter

from prismctl.project import ROOT
from settings import versions

BOT = json.loads((ROOT / ".github" / "renovate.json").read_text(encoding="utf-8"))


def found() -> Counter[tuple[str, str, str]]:
    """Return datasource, name and version of what the bot finds in `versions.yaml`, and how often it finds each."""
    text = versions.FILE.read_text(encoding="utf-8")
    seen: Counter[tuple[str, str, str]] = Counter()
    for manager in BOT["customManagers"]:
        for pattern in manager["matchStrings"]:
            for match in re.finditer(pattern.replace("(?<", "(?P<"), text):
                groups = match.groupdict()
                name = groups["depName"] + (f" on {groups['kubernetes']}" if "kubernetes" in groups else "")
                seen[manager["datasourceTemplate"], name, groups["currentValue"]] += 1
    return seen


def test_each_pinned_version_is_found_by_the_bot_once():
    known = versions.load()
    pinned = Counter(("helm", name, pin.version) for name, pin in known.charts.items())
    for datasource, pins in (
        ("aws-eks-addon", known.addons),
        ("custom.eks-node-images", known.node_images),
        ("docker", known.images),
    ):
        pinned.update(
            (datasource, f"{name} on {kubernetes}", version)
            for name, pin in pins.items()
            for kubernetes, version in pin.versions.items()
            if version is not None
        )
    assert found() == pinned


def test_a_chart_is_looked_for_under_the_name_that_its_repository_has_for_it():
    text = versions.FILE.read_text(encoding="utf-8")
    (charts,) = [each for each in BOT["customManagers"] if each["datasourceTemplate"] == "helm"]
    (pattern,) = charts["matchStrings"]
    found = {match["depName"]: match for match in re.finditer(pattern.replace("(?<", "(?P<"), text)}
    for name, pin in versions.load().charts.items():
        assert found[name]["packageName"] in pin.digests
        assert found[name]["registryUrl"] == pin.source
