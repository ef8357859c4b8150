"""Whether whoever calls may do what is asked, by the policies that stand in the account.

Calls of a type are those of `aws/calls.py`, decisions those of `iam/evaluator.py`. Nobody in particular calls as an
administrator, who may do everything.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from fakes.aws.calls import Verb, calls, tagging
from fakes.aws.held import Held
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import ROLE, callers

_SESSION = "GitHubActions"
"""https://github.com/aws-actions/configure-aws-credentials: the name of a session, unless another is chosen."""
_TAGS = {"tags", "tagsAll", "__defaults"}
_PASSED_ON = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment")


class Permissions:
    """What one role may do, as the account has it when the role comes in."""

    def __init__(self, role: str, held: Iterable[Held], region: str) -> None:
        everything = list(held)
        self._caller: Caller = callers(everything)[role]
        self._roles = {each.answer("name"): each for each in everything if each.type == ROLE}
        self._region = region

    def refusal(
        self, verb: Verb, type_: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], before: Mapping[str, Any]
    ) -> str | None:
        """Return what AWS says where a call is refused; `before` are the inputs that an update changes."""
        role = self._role(type_, inputs, outputs)
        arn = role.get("arn") if role else outputs.get("arn") if type_.startswith("aws:iam/") else None
        context = {"aws:RequestedRegion": self._region}
        if role and role.get("permissionsBoundary"):
            context["iam:PermissionsBoundary"] = role["permissionsBoundary"]
        for call in self._calls(verb, type_, inputs, before):
            decision = decide(self._caller, call, arn or "*", context=context)
            if not decision:
                return f"AccessDenied: {decision.reason.replace(self._caller.arn, self._session)}"
        return None

    def _calls(self, verb: Verb, type_: str, inputs: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
        changed = {key for key in inputs.keys() | before.keys() if inputs.get(key) != before.get(key)}
        return tagging(type_) if verb == "update" and changed <= _TAGS else calls(type_, verb)

    def _role(self, type_: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the role that a call is about: itself, or the one that a policy is of."""
        if type_ == ROLE:
            return {**inputs, **outputs}
        of = self._roles.get(inputs.get("role", "")) if type_ in _PASSED_ON else None
        return {**of.inputs, **of.outputs} if of else None

    @property
    def _session(self) -> str:
        name = self._caller.arn.rpartition("/")[2]
        return f"arn:aws:sts::{self._caller.account_id}:assumed-role/{name}/{_SESSION}"
