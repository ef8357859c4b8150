"""What an update needs of the account that it starts in: a caller who administers the cluster, and zones for it."""

from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.stack_context import StackContext
from settings.naming import PROJECT
from settings.section import Problem, SettingsError

NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Ids of the zones in which EKS takes no subnet of a cluster.

A zone's name stands for another zone in each account; its id does not:
https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
"""


def check_account(
    context: StackContext, zones: Sequence[str], admins: Mapping[str, str], provider: aws.Provider
) -> None:
    """Say who calls; raise SettingsError where an update of the stack could not finish, before anything is made."""
    asked = pulumi.InvokeOptions(provider=provider)
    session = aws.get_caller_identity(opts=asked).arn
    # The ARN of a session has the role's name without its path; an access entry has both.
    caller = aws.iam.get_session_context(arn=session, opts=asked).issuer_arn
    found = aws.get_availability_zones(opts=asked)
    problems = (
        *_caller_problems(context, caller, admins, previews=pulumi.runtime.is_dry_run()),
        *_zone_problems(zones, dict(zip(found.names, found.zone_ids, strict=True))),
    )
    if problems:
        raise SettingsError(context.stack, problems)
    pulumi.log.info(f"{session} calls, with the role {caller}")


def _caller_problems(
    context: StackContext, caller: str, admins: Mapping[str, str], *, previews: bool
) -> Iterator[Problem]:
    """Yield why EKS would answer 401 to this caller, who is a role or something else."""
    allowed = {*admins.values(), context.delivery_role_arn("deploy")}
    if previews:
        # It reads what a preview reads, and changes nothing.
        allowed.add(context.delivery_role_arn("preview"))
    if caller in allowed:
        return
    # Role names are unique in an account, whatever the path and the case (IAM API, CreateRole).
    namesakes = [who for who, arn in admins.items() if _role(arn) == _role(caller)]
    if namesakes:
        rule = f"must be the ARN of the role with its path, {caller}, or Kubernetes refuses it (401)"
        yield Problem(f"{PROJECT}:cluster.admins.{namesakes[0]}", rule, admins[namesakes[0]])
    else:
        yield Problem(
            f"{PROJECT}:cluster.admins",
            "must name the role of whoever runs the update, or Kubernetes refuses it (401): add the caller's,"
            f" or assume one of {', '.join(sorted(allowed))}; the caller is",
            caller,
        )


def _role(arn: str) -> tuple[str, str]:
    """Return account and name of the role that an ARN names; an ARN of something else equals no role's."""
    account, _, resource = arn.partition("::")[2].partition(":")
    kind, _, path = resource.partition("/")
    return account, path.rpartition("/")[2].lower() if kind == "role" else resource


def _zone_problems(zones: Sequence[str], ids: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the zones, by name, that are none of the account's, or none for a control plane."""
    fit = ", ".join(name for name, id_ in ids.items() if id_ not in NO_CONTROL_PLANE)
    for zone in zones:
        if zone not in ids:
            yield Problem(f"{PROJECT}:network.zones", f"must be zones of this account ({fit})", zone)
        elif ids[zone] in NO_CONTROL_PLANE:
            rule = f"must be zones in which EKS runs a control plane (in this account {fit})"
            yield Problem(f"{PROJECT}:network.zones", rule, f"{zone}, which is {ids[zone]}")
