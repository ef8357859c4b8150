"""Logs, notifications and budget."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from settings.forms import Zones
from settings.section import Form, Problem, Section, show


class Search(Section):
    """OpenSearch for logs; without it they are in CloudWatch."""

    instance_type: Annotated[
        str, Form(r"[a-z0-9]+\.[a-z0-9]+\.search", "an instance type of OpenSearch", "r6g.large.search")
    ]
    zones: Annotated[Zones, Field(min_length=2, max_length=3)]
    """Zones of the nodes: two or three
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/managedomains-multiaz.html). The domain stays
    in them as `network.zones` grows; a change of them moves all logs to new nodes."""
    nodes: Annotated[int, Field(ge=1, le=80)]
    """A multiple of the zones, over which they are spread."""
    volume_gb: Annotated[int, Field(ge=10, le=3000)]
    """Of each node."""
    version: str

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        elif self.nodes % len(self.zones):
            yield Problem("nodes", f"must be a multiple of the zones ({len(self.zones)})", str(self.nodes))


_Email = Annotated[str, Form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address", "on-call@example.com")]


class Observability(Section):
    """Logs, notifications and budget."""

    monthly_budget_usd: Annotated[int, Field(ge=1)]
    log_days: Literal[7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 731]
    """Retention of log groups, in days; CloudWatch accepts only certain values."""
    search: Search | None = None
    """OpenSearch for the pods' logs; without it they are in CloudWatch."""
    alert_emails: tuple[_Email, ...] = ()
    """Addresses that alarms page at any hour; required in prod."""
    warning_emails: tuple[_Email, ...] = ()
    """Addresses for warnings, which wait for working hours; if empty, `alert_emails`."""

    def rules(self) -> Iterator[Problem]:
        for name in ("alert_emails", "warning_emails"):
            emails = getattr(self, name)
            if len(set(emails)) != len(emails):
                yield Problem(name, "must name each address once")
