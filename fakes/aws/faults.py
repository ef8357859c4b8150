"""How AWS fails, and what is left behind when it does."""

from dataclasses import dataclass
from typing import Literal, get_args

from fakes.aws.held import Held

Kind = Literal["throttled", "timed out", "access denied", "capacity", "half-created"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Fault:
    """One operation on one resource that will fail once."""

    urn: str
    verb: str
    kind: str


class Refusal(Exception):  # noqa: N818  # what AWS does, not a mistake in here
    """AWS does not do what it was asked; its message is in AWS's words."""


class HalfDone(Exception):  # noqa: N818
    """AWS began, and nobody saw it finish."""

    def __init__(self, message: str, left: Held | None) -> None:
        super().__init__(message)
        self.left = left
        """What was made or changed; None where something was to be deleted."""


def begun(kind: str | None) -> bool:
    """Return whether AWS had begun when it failed, or did not fail at all."""
    return kind in {None, "timed out", "half-created"}


def strike(kind: str, verb: str, type_: str, left: Held | None = None) -> None:
    """Fail as `kind`; raises Refusal where nothing was changed and HalfDone where AWS had begun, with what it left."""
    doing = {"create": "creating", "update": "updating", "delete": "deleting"}[verb]
    what = type_.rpartition(":")[2]
    match kind:
        case "throttled":
            # https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html
            raise Refusal(f"{doing} {what}: ThrottlingException: Rate exceeded")
        case "access denied":
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
            raise Refusal(
                f"{doing} {what}: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/deploy/session"
                f" is not authorized to perform: {verb} on resource: {what}"
                " because no identity-based policy allows the action"
            )
        case "capacity":
            # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
            raise Refusal(
                f"{doing} {what}: InsufficientInstanceCapacity: We currently do not have sufficient capacity in the"
                " Availability Zone you requested"
            )
        case "timed out":
            # The provider stops waiting, and AWS goes on: what it was working on exists.
            raise HalfDone(f"waiting for {what} {verb}: timeout while waiting for state to become 'available'", left)
        case "half-created":
            raise HalfDone(f"waiting for {what} {verb}: unexpected state 'failed', wanted target 'available'", left)
        case _:
            raise ValueError(f"no such failure: {kind}")
