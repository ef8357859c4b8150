"""Alarms that silence sets off."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi

from components.platform_alarms.alarm import Alarm, Severity, make_alarm


@dataclass(frozen=True, kw_only=True)
class LivenessArgs:
    """What Liveness is told."""

    alarms: Iterable[Alarm]
    topics: Mapping[Severity, pulumi.Input[str]]
    runbooks: str
    """Address of docs/runbooks."""
    after: pulumi.Resource
    """What has to be up before silence means anything."""


class Liveness(pulumi.ComponentResource):
    """Whoever has to speak at all times is heard of when it does not.

    Made last and deleted first: while a stack comes up or goes down all of it is silent, and nobody is to be called.
    """

    def __init__(self, name: str, args: LivenessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Liveness", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[args.after])
        for alarm in args.alarms:
            make_alarm(name, alarm, args.topics, args.runbooks, child)
        self.register_outputs({})
