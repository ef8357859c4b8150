"""Reads `versions.yaml`, the one dated place for versions and the ends of their support."""

import datetime
import functools
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from configuration.yaml_files import Loader

FILE = Path(__file__).with_name("versions.yaml")

LEAVING = datetime.timedelta(days=90)
"""How long before the end of support a version is reported as leaving."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    support_ends: datetime.date | None = None
    """Last day of standard support; None where no source gives a date."""
    source: str
    note: str = ""


class Release(_Record):
    """A version that a stack may choose."""

    def ended(self, today: datetime.date) -> bool:
        return self.support_ends is not None and self.support_ends < today

    def leaving(self, today: datetime.date) -> bool:
        return self.support_ends is not None and not self.ended(today) and self.support_ends - today <= LEAVING


class Pin(Release):
    """The one version that every stack gets."""

    version: str | None
    """None leaves the choice to the service, because no source confirms a version."""


class AddonPins(_Record):
    """An EKS add-on, whose versions go with the cluster's."""

    versions: Mapping[str, str] = {}
    """By minor version of Kubernetes; where one is missing, EKS chooses its default."""


class Versions(BaseModel):
    """Everything that has a version, as `versions.yaml` knows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked: datetime.date
    """The day on which the sources were read."""
    kubernetes: Mapping[str, Release]
    aurora_postgresql: Mapping[str, Release]
    valkey: Mapping[str, Release]
    addons: Mapping[str, AddonPins]
    node_images: Mapping[str, Pin]
    charts: Mapping[str, Pin]

    def addons_for(self, kubernetes: str) -> dict[str, str | None]:
        """Return each add-on's version for a minor version of Kubernetes; None leaves the choice to EKS."""
        return {addon: pins.versions.get(kubernetes) for addon, pins in self.addons.items()}


@functools.cache
def load(file: Path = FILE) -> Versions:
    """Return what `versions.yaml` says; raises pydantic's ValidationError where the file breaks its own shape."""
    return Versions.model_validate(yaml.load(file.read_text(encoding="utf-8"), Loader=Loader))  # noqa: S506  # derives from the safe one
