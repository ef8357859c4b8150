"""Alarms that fire when there is no data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.platform_alarms.alarm import Alarm, Severity, make_alarm


@dataclass(frozen=True, kw_only=True)
class LivenessArgs:
    """Arguments of Liveness."""

    alarms: Iterable[Alarm]
    topics: Mapping[Severity, pulumi.Input[str]]
    runbooks: str
    """Address of docs/runbooks, without a slash at its end."""
    after: Sequence[pulumi.Resource]
    """What has to run before missing data means a failure."""


class Liveness(pulumi.ComponentResource):
    """What has to send data at all times raises an alarm when it does not.

    Made last and deleted first: while a stack is made or destroyed nothing sends data, and nobody is to be paged.
    """

    def __init__(self, name: str, args: LivenessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Liveness", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=args.after)
        for alarm in args.alarms:
            make_alarm(name, alarm, args.topics, args.runbooks, child)
        self.register_outputs({})
