"""What AWS does when it is asked: checks, plans, makes, changes, reads and deletes, or refuses in its own words."""

import hashlib
import secrets as generator
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fakes.aws import (
    backups,
    eks_rules,
    engine_versions,
    faults,
    image_cache_rules,
    links,
    maintenance,
    replacements,
    rules_of_account,
    schemas,
    secrets,
    uniqueness,
)
from fakes.aws.account import Account, Verb
from fakes.aws.faults import Refusal
from fakes.aws.held import Held
from fakes.aws.permissions import Permissions
from fakes.aws.problems import Problem
from fakes.aws.schemas_mapping import UNTAGGED
from fakes.aws.sound import Sound, digest
from fakes.urns import name_of
from recording import durations, synthetic, wire
from recording.graph import UNKNOWN

Properties = Mapping[str, Any]

_DOING = {"create": "creating", "read": "reading", "update": "updating", "delete": "deleting"}

DEFAULTS = "__defaults"
"""The input in which pulumi-aws lists those that it chose itself."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation under way."""

    urn: str
    type: str
    name: str
    """The logical name."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a change of inputs means."""

    changed: list[str]
    replaces: list[str]
    delete_before_replace: bool


class Aws:
    """One account, seen through one provider: a region, and tags for everything."""

    def __init__(
        self, account: Account, account_id: str, region: str, default_tags: Mapping[str, str], cache: Path
    ) -> None:
        self._account, self._account_id, self._region = account, account_id, region
        self._default_tags = default_tags
        self._sound = Sound(cache)
        self._pace = float(account.get("pace", "0"))
        """Seconds that pass here for a second in AWS."""
        self._permissions = self._of_caller(account.get("caller"))

    def _of_caller(self, arn: str) -> Permissions | None:
        """Return what may be done by a caller whose role stands here; others come as administrators."""
        roles = self._account.resources("aws:iam/role:Role")
        urn = next((each.urn for each in roles if each.answer("arn") == arn), None)
        return Permissions(name_of(urn), self._account.resources(), self._region) if urn else None

    def _authorize(
        self, verb: Verb, type_: str, inputs: Properties, outputs: Properties, before: Properties | None = None
    ) -> None:
        words = self._permissions and self._permissions.refusal(verb, type_, inputs, outputs, before or {})
        if words:
            raise Refusal(f"{_DOING[verb]} {type_.rpartition(':')[2]}: {words}")

    # Looking

    def invoke(self, token: str, arguments: Properties) -> Properties:
        if token == "aws:route53/getZone:getZone" and arguments["name"] not in self._account.get("zones").split():  # noqa: S105
            # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/route53/zone_data_source.go
            raise Refusal(f"no matching Route 53 Hosted Zone found: {arguments['name']}")
        if token == "aws:secretsmanager/getSecretVersion:getSecretVersion":  # noqa: S105
            return {"secretString": self._account.secrets()[arguments["secretId"]]}
        caller = synthetic.Caller(arn=self._account.get("caller"), region=self._region)
        own = rules_of_account.answer(token, self._account, self._region)
        found = eks_rules.look(token, arguments, self._account.resources(eks_rules.NODE_GROUP))
        return found or {**synthetic.invoke(token, arguments, caller), **own}

    def check(
        self, type_: str, name: str, olds: Properties, inputs: Properties, seed: bytes
    ) -> tuple[Properties, list[Problem]]:
        """Return the inputs as they are kept, and what is wrong with them.

        `olds` are the inputs kept before; `seed` makes names that are made up differ from each other.
        """
        if type_ not in synthetic.OUTPUTS:
            return inputs, [Problem("", f"unrecognized resource type (Check): {type_}")]
        # What is imported comes with what was added here when it was made.
        inputs = {key: value for key, value in inputs.items() if key not in (DEFAULTS, "tagsAll")}
        # A version that AWS itself brought may be newer than all that the schemas list.
        asked = {key: value for key, value in inputs.items() if key != "engineVersion" or olds.get(key) != value}
        problems = self._problems(type_, asked)
        return self._with_default_tags(type_, _with_name(type_, name, olds, inputs, seed)), problems

    def _problems(self, type_: str, inputs: Properties) -> list[Problem]:
        seen = digest(type_, self._region, inputs)
        if seen in self._sound:
            return []
        problems = schemas.check(type_, inputs, self._region)
        if not problems:
            self._sound.add(seen)
        return problems

    def _with_default_tags(self, type_: str, inputs: Properties) -> Properties:
        """Add `tagsAll`: the resource's own tags, and the provider's; a secret among them stays one."""
        if type_ in UNTAGGED:
            return inputs
        return {**inputs, "tagsAll": secrets.merge(self._default_tags, inputs.get("tags") or {})}

    def diff(self, type_: str, old: Properties, state: Properties, new: Properties) -> Difference:
        """Say what changes from the `old` inputs, or the `state` that came of them, to the `new` inputs."""
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key != DEFAULTS)
        replaces = replacements.replaced_by(type_, state, new) if changed else []
        # A successor with the same name could not be made beside what it replaces.
        first = bool(replaces) and uniqueness.deletes_first(type_, _chosen(new))
        return Difference(changed=changed, replaces=replaces, delete_before_replace=first)

    def plan_creation(self, type_: str, inputs: Properties) -> Properties:
        """Return what is known of a resource before it is made."""
        return {**inputs, **dict.fromkeys(self._computed(type_, inputs), UNKNOWN)}

    def plan_update(self, type_: str, old_inputs: Properties, olds: Properties, inputs: Properties) -> Properties:
        """Return what is known of a resource before it is changed; `olds` is its state."""
        changing = dict.fromkeys(replacements.unknown_after(type_, old_inputs, inputs), UNKNOWN)
        return {**inputs, **self._kept(type_, olds, inputs), **changing}

    def _computed(self, type_: str, inputs: Properties) -> set[str]:
        """Return the outputs that AWS fills in, or completes: those that `inputs` do not settle."""
        plain = wire.reveal(inputs)[0]
        known = {key: value for key, value in plain.items() if value is not UNKNOWN}
        made = synthetic.Made(urn="", name="", inputs=known, account_id=self._account_id, region=self._region)
        answered = synthetic.answer(type_, made).keys() - {"id"}
        return {key for key in answered if key not in plain or isinstance(plain[key], Mapping)}

    def _kept(self, type_: str, before: Properties, inputs: Properties) -> Properties:
        """Return what AWS filled in before, and keeps through an update."""
        return {
            key: secrets.merge(before[key], inputs[key]) if key in inputs else before[key]
            for key in self._computed(type_, inputs)
            if key in before
        }

    def read(self, type_: str, id_: str) -> Held | None:
        """Return the resource, or None where it is gone. Raises Refusal where the caller may not look."""
        held = self._account.find(type_, id_)
        self._authorize("read", type_, held.inputs if held else {}, held.outputs if held else {})
        return held

    # Acting

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make a resource; returns its id and outputs. Raises Refusal or HalfDone."""
        plain, secret = wire.reveal(inputs)
        # Another resource than any before it, with an id of its own: a replacement has the same URN.
        made = synthetic.Made(
            urn=self._account.past(call.urn),
            name=call.name,
            inputs=plain,
            account_id=self._account_id,
            region=self._region,
        )
        computed = dict(synthetic.answer(call.type, made))
        id_ = str(computed.pop("id"))
        held = Held(type=call.type, id=id_, urn=call.urn, inputs=plain, outputs={**plain, **computed})
        self._authorize("create", call.type, plain, held.outputs)
        with self._account.exclusively():
            settled = self._settled(held)
            computed |= settled
            held = replace(held, outputs={**held.outputs, **settled})
            self._refuse(held)
            fault = self._account.take_fault(call.urn, "create")
            left = self._left(held, fault, {})
            if left:
                self._account.hold(left)
                for secret_made in computed.get("masterUserSecrets", ()):
                    self._account.keep_secret(secret_made["secretArn"], generator.token_urlsafe(24))
        self._finish(call, "create", fault, left)
        hidden = secrets.hide_all(computed) if secret else computed
        return id_, {**inputs, **hidden}

    def _refuse(self, held: Held, before: Held | None = None) -> None:
        """Refuse to let a resource stand as it would be; `before` is what it has been."""
        everything = self._account.resources()
        here, elsewhere = links.among(everything), rules_of_account.principals(self._account)
        problems = links.missing(
            held.type, held.inputs, lambda type_, by, value: value in elsewhere or here(type_, by, value)
        )
        if problems:
            raise Refusal("; ".join(str(problem) for problem in problems))
        others = [each for each in everything if each != before]
        words = uniqueness.refusal(held, others, self._account_id) or engine_versions.refusal(before, held, others)
        words = words or eks_rules.refusal(held, before, others) or image_cache_rules.refusal(held, self._account)
        if words is None and before is None:
            words = backups.refusal(self._account, held)
        if words is None:
            words = rules_of_account.refusal(held, before, others, self._account, self._region)
        if words:
            raise Refusal(words)

    def _settled(self, held: Held, before: Held | None = None) -> Properties:
        """Return what AWS chooses, by what else stands and by the day, where the inputs leave it open."""
        return eks_rules.chosen(
            held, before, self._account.resources(eks_rules.CLUSTER), self._account.get("node_images", "20260101")
        )

    def update(self, call: Call, id_: str, inputs: Properties) -> Properties:
        """Change a resource in place; returns its outputs. Raises Refusal or HalfDone."""
        plain, secret = wire.reveal(inputs)
        what = call.type.rpartition(":")[2]
        with self._account.exclusively():
            held = self._account.find(call.type, id_)
            if held is None:
                raise Refusal(f"updating {what}: {id_} does not exist")
            self._authorize("update", call.type, plain, held.outputs, held.inputs)
            computed = dict(self._kept(call.type, held.outputs, plain))
            for key in replacements.unknown_after(call.type, held.inputs, plain):
                # What changes by itself with an update counts its versions.
                computed[key] = computed[key] + 1 if isinstance(computed.get(key), int) else computed.get(key)
            changed = replace(held, inputs=plain, outputs={**plain, **computed}, complete=True)
            computed |= self._settled(changed, held)
            changed = replace(changed, outputs={**plain, **computed})
            self._refuse(changed, held)
            fixed = replacements.replaced_by(call.type, held.outputs, plain)
            if fixed:
                # The call that changes a resource has no such parameter.
                raise Refusal(f"updating {what}: {', '.join(fixed)} cannot be changed in place")
            fault = self._account.take_fault(call.urn, "update")
            settled = maintenance.settle(held, changed)
            left = self._left(settled, fault, held.inputs)
            if left:
                self._account.hold(left, *engine_versions.taken_along(left, self._account.resources()))
        self._finish(call, "update", fault, left)
        shown = {
            key: settled.outputs[key]
            for key in {*computed, *maintenance.DEFERRED.get(call.type, ())}
            if key in settled.outputs
        }
        return {**inputs, **(secrets.hide_all(shown) if secret else shown)}

    def delete(self, call: Call, id_: str) -> None:
        """Delete a resource; one that is gone already is fine. Raises Refusal or HalfDone."""
        held = self._deletable(call.type, id_)
        if held is None:
            return
        self._authorize("delete", call.type, held.inputs, held.outputs)
        self._take(call.type, "delete", held.inputs)
        with self._account.exclusively():
            # Meanwhile others may have begun to use it.
            held = self._deletable(call.type, id_)
            fault = self._account.take_fault(call.urn, "delete")
            if held and fault == "half-created":
                self._account.hold(replace(held, complete=False))
            elif faults.begun(fault):
                words = backups.left_behind(self._account, held) if held else None
                if words:
                    raise Refusal(words)
                self._account.drop(call.type, id_)
        if fault:
            faults.strike(fault, "delete", call.type)

    def _deletable(self, type_: str, id_: str) -> Held | None:
        """Return the resource, or None where it is gone; refuses where it must stay."""
        held = self._account.find(type_, id_)
        words = links.refusal(held, self._account.resources()) if held else None
        if words:
            raise Refusal(words)
        return held

    def _left(self, held: Held, fault: str | None, before: Properties) -> Held | None:
        """Return what there is of the resource after an operation that this fault befalls; None where it forbids it."""
        if not faults.begun(fault):
            return None
        return self._broken_off(held, before) if fault == "half-created" else held

    def _finish(self, call: Call, verb: durations.Verb, fault: str | None, left: Held | None) -> None:
        """Let the time pass that an operation takes, and fail where it is to fail."""
        if left:
            self._take(call.type, verb, left.inputs)
        if fault:
            faults.strike(fault, verb, call.type, left)

    def _broken_off(self, held: Held, before: Properties) -> Held:
        """Return the resource as it is when the last of the calls that an operation consists of has failed."""
        late = self._late(held.type, held.inputs)
        kept = {key: before[key] for key in late if key in before}
        inputs, outputs = (
            {**{key: value for key, value in whole.items() if key not in late}, **kept}
            for whole in (held.inputs, held.outputs)
        )
        return replace(held, inputs=inputs, outputs=outputs, complete=not late)

    def _late(self, type_: str, inputs: Properties) -> set[str]:
        """Return what is set once a resource is there: its tags, else something that an update can still set."""
        if "tagsAll" in inputs:
            return {"tags", "tagsAll"}
        wrong = schemas.check(type_, inputs, self._region)
        for key in sorted(inputs):
            without = {other: value for other, value in inputs.items() if other not in (key, DEFAULTS)}
            required = any(each not in wrong for each in schemas.check(type_, without, self._region))
            if not required and not replacements.replaced_by(type_, inputs, without):
                return {key}
        return set()

    def _take(self, type_: str, verb: durations.Verb, inputs: Properties) -> None:
        """Let the time pass that the real service takes, at the account's pace."""
        if self._pace:
            time.sleep(self._pace * durations.duration(type_, verb, inputs).seconds)


def _with_name(type_: str, name: str, olds: Properties, inputs: Properties, seed: bytes) -> Properties:
    """Make up a physical name where pulumi-aws does, or keep the one that was made up before."""
    row = uniqueness.UNIQUE.get(type_)
    if row is None or not row.autonamed or row.keys[0] in inputs:
        return inputs
    key = row.keys[0]
    made_up = f"{name}-{hashlib.sha256(seed).hexdigest()[:7]}"
    before = olds.get(key) if key in olds.get(DEFAULTS, ()) else None
    return {**inputs, key: before or (made_up.lower() if row.lower else made_up), DEFAULTS: [key]}


def _chosen(inputs: Properties) -> Properties:
    """Return what the program chose."""
    return {key: value for key, value in inputs.items() if key not in inputs.get(DEFAULTS, ())}
