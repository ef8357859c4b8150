"""Makes the rules policies of Pulumi's policy SDK.

The SDK decodes a resource anew for each policy, drops which of its values are secret, fails on references to resources,
and ends a policy at the first unknown value. Here what the engine sent is decoded once for all policies, as the
recorder does it; so each rule can be a policy of its own, with the level, the configuration and the words that the
engine shows for it.
"""

import dataclasses
import functools
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi_policy
from google.protobuf import json_format
from pulumi_policy import policy as policy_sdk

from policy import configuration, waivers
from policy.environment import environment_of
from policy.findings import Finding, Result
from policy.properties import parse
from policy.registry import Level, Rule, Settings, rules
from policy.runner import context_for, judge
from policy.view import Resource, Stack, told
from policy.waivers import Waiver
from recording import sdk
from recording.values import SIGNATURE
from recording.wire import decode
from settings import versions

WAIVERS_VARIABLE = "AI_PRISM_WAIVERS"
"""Names the file of waivers of whoever uses the pack for another program; absolute, for the pack runs in its folder."""

_LEVELS = {
    Level.MANDATORY: pulumi_policy.EnforcementLevel.MANDATORY,
    Level.ADVISORY: pulumi_policy.EnforcementLevel.ADVISORY,
    Level.DISABLED: pulumi_policy.EnforcementLevel.DISABLED,
}


class _Sent:
    """Properties or configuration as the engine sent them."""

    def __init__(self, message: Any) -> None:
        self.message = message

    def copy(self) -> "_Sent":
        return self

    def decoded(self) -> dict[str, Any]:
        return decode(self.message)

    def encoded(self) -> dict[str, Any]:
        """Return the JSON in which properties travel, with the marks of secret and unknown values."""
        return json_format.MessageToDict(self.message)

    def having(self, values: Mapping[str, Any]) -> "_Sent":
        """Return the same properties with these values, by path; what lies in a secret or unknown one stays."""
        properties = self.encoded()
        for path, value in values.items():
            _put(properties, parse(path), value)
        return _Sent(json_format.ParseDict(properties, type(self.message)()))


def _put(into: dict[str, Any], steps: tuple[str | int, ...], value: Any) -> None:
    *parents, last = map(str, steps)
    for each in parents:
        inner = into.setdefault(each, {})
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]  # a block that occurs once
        if not isinstance(inner, dict) or SIGNATURE in inner:
            return
        into = inner
    into[last] = value


@dataclass
class _Judged:
    """What has been said so far of one thing that the engine asked about."""

    about: Any
    """What the engine sent; the same object in each policy that is asked."""
    stack: Stack
    findings: list[Finding] = field(default_factory=list[Finding])


@dataclass
class Pack:
    """All rules, under the settings of one stack."""

    settings: Settings
    _by_rule: dict[str, policy_sdk.Policy] = field(default_factory=dict[str, policy_sdk.Policy])
    _current: threading.local = field(default_factory=threading.local)
    """Each of the engine's questions is answered in one thread, policy by policy."""
    _inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the program gave each resource, by URN. Of a stack the engine tells outputs alone: there AWS has filled in
    what was left out, and behind a provider that waits for its cluster a preview has none at all."""

    def policies(self) -> list[policy_sdk.Policy]:
        """Return a policy for each rule, and behind them those that tell what rules could not answer."""
        self._by_rule = {rule.id: self._policy(rule) for rule in rules()}
        return [*self._by_rule.values()] + [
            kind(
                name=f"{name}-{what}",
                description=description,
                validate=functools.partial(self._tell, view, result),
                enforcement_level=_LEVELS[level],
            )
            for what, kind, view in (
                ("resource", pulumi_policy.ResourceValidationPolicy, _alone),
                ("stack", pulumi_policy.StackValidationPolicy, _together),
            )
            for name, description, result, level in (
                ("crashed", "A rule crashed, so nobody knows", Result.CRASHED, Level.MANDATORY),
                ("undetermined", "A rule cannot tell yet", Result.UNDETERMINED, Level.ADVISORY),
            )
        ]

    def configure(self, stack: str, config: Mapping[str, str], project: str) -> None:
        """Let each rule be as strict as it is in the environment that `stack` and its `config` name."""
        self.settings = dataclasses.replace(self.settings, environment=environment_of(stack, config, project))
        for rule in rules():
            self._by_rule[rule.id].enforcement_level = _LEVELS[rule.level(self.settings)]

    def _policy(self, rule: Rule) -> policy_sdk.Policy:
        kind, view = (
            (pulumi_policy.StackValidationPolicy, _together)
            if rule.kind == "stack"
            else (pulumi_policy.ResourceValidationPolicy, _alone)
        )
        remedy: dict[str, Any] = {"remediate": functools.partial(self._remedy, rule)} if rule.remedy else {}
        return kind(
            name=rule.id,
            description=rule.title,
            validate=functools.partial(self._judge, view, rule),
            enforcement_level=_LEVELS[rule.level(self.settings)],
            config_schema=pulumi_policy.PolicyConfigSchema(properties=_schema(rule)) if rule.config else None,
            severity=policy_sdk.Severity(rule.severity.value),
            tags=list(rule.controls),
            remediation_steps=rule.fix,
            **remedy,
        )

    def _judge(self, view: "_View", rule: Rule, args: Any, report: Callable[..., None]) -> None:
        judged = self._judged(view, args)
        found = self._found(rule, args, judged.stack)
        judged.findings += found
        for finding in found:
            # What stays open is mandatory where the rule is strict, and otherwise told at the end.
            if finding.result is Result.VIOLATED or (finding.stops and finding.result is not Result.CRASHED):
                report(_text(finding), finding.resource.urn)

    def _found(self, rule: Rule, args: Any, stack: Stack) -> list[Finding]:
        sent = args.get_config()
        config = sent.decoded() if isinstance(sent, _Sent) else {}
        context = context_for(rule, stack, dataclasses.replace(self.settings, config={rule.id: config}))
        found = [
            finding
            for resource in stack.resources
            if rule.applies(resource.type) and not (resource.external or (resource.partial and rule.kind == "stack"))
            for finding in judge(rule, resource, context)
        ]
        return list(self._without_waived(found, stack))

    def _remedy(self, rule: Rule, args: Any) -> _Sent | None:
        """Return the properties with the rule's remedy, or None where they need none."""
        found = self._found(rule, args, _one(args, {}))
        return args.props.having(rule.remedy) if any(each.is_violation for each in found) else None

    def _tell(self, view: "_View", result: Result, args: Any, report: Callable[..., None]) -> None:
        for finding in self._judged(view, args).findings:
            if finding.result is result and not (result is Result.UNDETERMINED and finding.stops):
                report(f"{finding.rule.id}: {_text(finding)}", finding.resource.urn)

    def _judged(self, view: "_View", args: Any) -> _Judged:
        about = view.about(args)
        judged = getattr(self._current, "judged", None)
        if judged is None or judged.about is not about:
            judged = self._current.judged = _Judged(about, view.stack(args, self._inputs))
        return judged

    def _without_waived(self, findings: list[Finding], stack: Stack) -> Iterator[Finding]:
        if not findings or not self.settings.waivers:
            return iter(findings)
        concerned = waivers.concerned(self.settings.waivers, (resource.urn for resource in stack.resources))
        applied = waivers.apply(concerned, findings, self.settings.today)
        return (finding for finding in applied.findings if not finding.waived_by)


@dataclass(frozen=True)
class _View:
    """How one kind of policy is told about resources."""

    about: Callable[[Any], Any]
    stack: Callable[[Any, dict[str, Any]], Stack]


def _resource(
    args: Any, given: Any, parent: str, dependencies: Mapping[str, tuple[str, ...]], *, external: bool = False
) -> Resource:
    options = args.opts
    return told(
        Resource(
            urn=args.urn,
            type=args.resource_type,
            name=args.name,
            # Components have no provider, and their package is never a plugin's that makes single resources.
            custom=args.provider is not None or args.resource_type.startswith("pulumi:providers:"),
            external=external,
            parent=parent,
            provider_urn=args.provider.urn if args.provider else "",
            property_dependencies=dependencies,
            protect=options.protect,
            ignore_changes=tuple(options.ignore_changes),
            delete_before_replace=options.delete_before_replace is True,
            read_inputs=functools.cache(given.decoded),
            read_outputs=functools.cache(args.props.decoded),
        )
    )


def _one(args: Any, inputs: dict[str, Any]) -> Stack:
    inputs[args.urn] = args.props
    return Stack(name="", resources=(_resource(args, args.props, args.opts.parent or "", {}),))


def _all(args: Any, inputs: dict[str, Any]) -> Stack:
    return Stack(
        name="",
        resources=tuple(
            _resource(
                each,
                inputs.get(each.urn, each.props),
                each.parent.urn if each.parent else "",
                {key: tuple(needed.urn for needed in found) for key, found in each.property_dependencies.items()},
                # The engine asks about each resource that the program owns, but not about those it only looks up.
                external=bool(inputs) and each.urn not in inputs and each.provider is not None,
            )
            for each in args.resources
        ),
    )


_alone = _View(lambda args: args.props.message, _one)
_together = _View(lambda args: args.resources[0].props.message if args.resources else None, _all)


def _text(finding: Finding) -> str:
    where = f"{finding.path}: " if finding.path and finding.path not in finding.message else ""
    if finding.result is not Result.VIOLATED:
        return f"{where}{finding.message}"
    return f"{where}{finding.message}. {finding.rule.fix}{finding.rule.shown_controls}"


def _schema(rule: Rule) -> dict[str, dict[str, Any]]:
    return {key: dict(schema) for key, schema in rule.config.items()}


def policies() -> list[policy_sdk.Policy]:
    """Return the pack's policies, for the stack on which the engine has started it."""
    sdk.hand_over_undecoded(_Sent, _Sent.encoded)
    environment = environment_of(os.environ.get("PULUMI_STACK", ""), _config(), os.environ.get("PULUMI_PROJECT", ""))
    pack = Pack(Settings(environment=environment, today=versions.today(), waivers=_accepted()))
    follow_the_stack(pack)
    return pack.policies()


def follow_the_stack(pack: Pack, servicer: Any = None) -> None:
    """Have the SDK tell the pack which stack it is about.

    An engine that starts packs by their language's host says so afterwards and not in the environment, but before it
    asks for the policies (sdk/go/common/resource/plugin/analyzer_plugin.go of pulumi/pulumi).
    """
    servicer = servicer or sdk.policy_servicer()
    configure = servicer.ConfigureStack

    def configure_stack(self: Any, request: Any, context: Any) -> Any:
        pack.configure(request.stack, dict(request.config), request.project)
        return configure(self, request, context)

    servicer.ConfigureStack = configure_stack


def _accepted() -> tuple[Waiver, ...]:
    """Return the waivers in the file that a variable names, for the pack has no options; or else in the pack's own."""
    file = os.environ.get(WAIVERS_VARIABLE)
    return waivers.load(Path(file) if file else waivers.FILE)


def initial_config() -> dict[str, Any]:
    """Return what the platform configures, in the SDK's form."""
    found = configuration.parse(configuration.OWN.read_text(encoding="utf-8"), configuration.OWN.name)
    return {id_: {key: value for key, value in given.items() if key != "level"} for id_, given in found.items()}


def _config() -> Mapping[str, str]:
    found = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    return cast("Mapping[str, str]", found)
