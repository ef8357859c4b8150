"""Reads `versions.yaml`, the one dated place for versions and the ends of their support."""

import datetime
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from settings.yaml_files import Loader

FILE = Path(__file__).with_name("versions.yaml")

LEAVING = datetime.timedelta(days=90)
"""How long before the end of support a version is reported as leaving."""


class Record(BaseModel):
    """What is known of a version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    support_ends: datetime.date | None = None
    """Last day of standard support; None where no source gives a date."""
    source: str
    note: str = ""

    def ended(self, today: datetime.date) -> bool:
        return self.support_ends is not None and self.support_ends < today

    def leaving(self, today: datetime.date) -> bool:
        return self.support_ends is not None and not self.ended(today) and self.support_ends - today <= LEAVING


class Release(Record):
    """A version that a stack may choose."""


CHARTS = ".charts"
"""The folder beside the program from which charts are installed; `make charts` fills it."""
CHARTS_UNCHECKED = "AI_PRISM_CHARTS_UNCHECKED"
"""Environment variable of runs that install nothing, such as the preview without an account: no chart is looked at."""


class ChartPin(Record):
    """Charts that have one version."""

    version: str
    digests: Mapping[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None]
    """SHA-256 of each archive, by what its repository calls the chart; None where no source confirms it."""
    crds: Sequence[str] = ()
    """Those whose folder `crds` is installed, and upgraded, as a release of its own: Helm itself never upgrades it."""
    earlier: Mapping[str, Sequence[str]] = {}
    """Earlier versions of charts with definitions, from which the tests upgrade."""


def archive(chart: str, version: str) -> str:
    """Return what the archive of a chart is called."""
    return f"{chart}-{version}.tgz"


class MinorPins(Record):
    """What has a version for each minor version of Kubernetes."""

    versions: Mapping[str, str | None]
    """By minor version of Kubernetes, each of which must be named; None leaves the choice to EKS."""


class Versions(BaseModel):
    """Everything that has a version, as `versions.yaml` knows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked: datetime.date
    """The day on which the sources were read."""
    kubernetes: Mapping[str, Release]
    aurora_postgresql: Mapping[str, Release]
    valkey: Mapping[str, Release]
    opensearch: Mapping[str, Release]
    addons: Mapping[str, MinorPins]
    node_images: Mapping[str, MinorPins]
    """By the type that EKS calls an image by; a version is a release of it."""
    images: Mapping[str, MinorPins]
    """Container images, by chart, whose minor version has to be the cluster's."""
    charts: Mapping[str, ChartPin]

    @model_validator(mode="after")
    def _each_minor_version_is_decided(self) -> Self:
        """Refuse a pin that is forgotten for a minor version: to leave it to EKS is said by null."""
        forgotten = [
            f"{kind}.{name}.versions must name Kubernetes {minor} (null leaves the choice to EKS)"
            for kind in ("addons", "node_images", "images")
            for name, pins in getattr(self, kind).items()
            for minor in self.kubernetes
            if minor not in pins.versions
        ]
        if forgotten:
            raise ValueError("; ".join(forgotten))
        return self

    def node_image(self, kind: str, kubernetes: str) -> str | None:
        """Return the release of a type of node image; None leaves the choice to EKS."""
        return self.node_images[kind].versions.get(kubernetes)

    def addons_for(self, kubernetes: str) -> dict[str, str | None]:
        """Return each add-on's version for a minor version of Kubernetes; None leaves the choice to EKS."""
        return {addon: pins.versions.get(kubernetes) for addon, pins in self.addons.items()}


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version such as 17.11, by which versions are ordered."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


TODAY_VARIABLE = "AI_PRISM_TODAY"
"""Environment variable (ISO date) that answers for the calendar, to see what will be told at a later day."""


def today() -> datetime.date:
    """Return the day by which versions are judged; raises ValueError where AI_PRISM_TODAY names none."""
    given = os.environ.get(TODAY_VARIABLE)
    if not given:
        return datetime.datetime.now(tz=datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        raise ValueError(f"{TODAY_VARIABLE}: must be a day such as 2026-11-23, got {given}") from None


@functools.cache
def load(file: Path = FILE) -> Versions:
    """Return what `versions.yaml` says; raises ValueError, naming each place, where it cannot be used."""
    try:
        return _read(file)
    except OSError as error:
        raise ValueError(f"{file.name}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name}: not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        places = (f"  {'.'.join(map(str, each['loc']))}: {each['msg'].lower()}" for each in error.errors())
        count = f"{error.error_count()} problem{'s' if error.error_count() > 1 else ''}"
        raise ValueError("\n".join([f"{file.name}: {count}", *places])) from None


def _read(file: Path) -> Versions:
    return Versions.model_validate(yaml.load(file.read_text(encoding="utf-8"), Loader=Loader))  # noqa: S506  # derives from the safe one
