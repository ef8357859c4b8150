"""Kubernetes objects as the provider manages them: created, changed by server-side apply, at preview as a dry run.

As https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/provider.go does it, but stricter
twice: an unknown field is an error and no warning, and what the API server forbids (a privileged pod) is refused at
preview, where the real provider lets it pass until the update.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fakes.cluster import states
from fakes.cluster.api import Api, ApiError, NoMatchError, Object
from fakes.cluster.differences import Change, differences, normalize, prune
from fakes.cluster.ownership import CREATOR, is_created, leave_out_ignored, taken_back
from fakes.cluster.refusals import RefusedError, UnfinishedError, may_come_true, tell
from fakes.cluster.replacements import patterns_of
from fakes.cluster.states import Properties
from fakes.cluster.waits import TimedOutError, is_ready, seconds_to_wait, wait_until_gone, wait_until_ready
from recording.graph import UNKNOWN

_SECONDS_BEFORE_RETRIES = (0.2, 0.4, 0.8, 1.6, 3.2)
"""For a namespace or a definition that is still in the making; as often as the provider, and sooner."""


@dataclass(frozen=True)
class Difference:
    """What an update would do."""

    changes: list[Change]
    delete_before_replace: bool


@dataclass(frozen=True, kw_only=True)
class Objects:
    """The objects of one API server."""

    api: Api
    namespace: str
    """Where objects are that name none."""
    mutable: frozenset[str] = frozenset()
    """Of Secret and ConfigMap, those whose data can be changed without a replacement."""
    forced: bool = False
    """Whether the program's fields are taken from whoever else has set them."""
    upserts: bool = False
    """Whether an object that is there already is taken over, instead of refused, where it is to be made."""
    cancelled: threading.Event

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """Return the inputs with what the provider adds to them; raises RefusedError."""
        inputs = deepcopy(normalize(states.plain(news)))
        metadata = inputs.setdefault("metadata", {})
        if metadata is UNKNOWN:
            return news
        if metadata.get("generateName"):
            raise RefusedError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
        if not metadata.get("name"):
            if not olds:
                states.name_automatically(inputs, states.random_name(name, seed))
            elif states.annotation(states.plain(olds), states.AUTONAMED) == "true":
                states.name_automatically(inputs, states.plain(olds)["metadata"]["name"])
        if not metadata.get("namespace") and self._is_namespaced(inputs):
            metadata["namespace"] = self.namespace
        return states.hide_like(news, inputs)

    def diff(self, state: Properties, news: Properties, ignored: tuple[str, ...]) -> Difference:
        given, live = states.split(state)
        new = normalize(states.plain(news))
        if new.get("metadata") is UNKNOWN:
            return Difference([Change(("metadata",), "UPDATE", replace=False)], delete_before_replace=False)
        old = prune(live, normalize(given))
        if new["metadata"].get("name"):
            old.setdefault("metadata", {})["name"] = live["metadata"]["name"]
        for each in (old, new):
            _place(each, "default" if self._is_namespaced(new) else "")
        changes = [
            change
            for change in differences(old, new, patterns_of(new, self.mutable))
            if not any(is_within(change.name, path) for path in ignored)
        ]
        if self._is_unready_job(new, live):
            changes.append(Change(("metadata", "annotations", states.REPLACE_UNREADY), "UPDATE", replace=True))
        same_place = all(new["metadata"].get(key) == live["metadata"].get(key) for key in ("name", "namespace"))
        autonamed = states.annotation(new, states.AUTONAMED) == "true"
        replace = any(change.replace for change in changes)
        return Difference(changes, delete_before_replace=replace and same_place and not autonamed)

    def create(self, urn: str, news: Properties, timeout: float) -> tuple[str, Properties]:
        """Return the id and the state; raises RefusedError and UnfinishedError."""
        inputs = states.plain(news)
        manager = states.manager_of({}, inputs)
        try:
            live = self._create_when_possible(inputs, manager)
        except NoMatchError as error:
            raise RefusedError(
                f'creation of resource "{urn}" with kind {inputs["apiVersion"]}/{inputs["kind"]} failed because the'
                " Kubernetes API server reported that the apiVersion for this resource does not exist. Verify that any"
                f" required CRDs have been created: {error}"
            ) from error
        except ApiError as error:
            raise RefusedError(
                f'resource "{urn}" was not successfully created by the Kubernetes API server: {tell(error, manager)}'
            ) from error
        try:
            live = self._settle(live, inputs, timeout)
        except TimedOutError as error:
            message = (
                f'resource "{urn}" was successfully created, but the Kubernetes API server reported that it failed to'
                f" fully initialize or become live: {error}"
            )
            live = self.api.get(live)
            raise UnfinishedError(message, live, self._state(live, news, manager)) from error
        return states.id_of(live), self._state(live, news, manager)

    def plan_creation(self, urn: str, news: Properties) -> Properties:
        """Return what a creation would give; raises RefusedError."""
        inputs = states.plain(news)
        if states.has_unknown(inputs) or not self._exists(inputs):
            return news
        manager = states.manager_of({}, inputs)
        try:
            planned = self._try(inputs, manager) if self.upserts else self._create(inputs, manager, dry=True)
        except ApiError as error:
            # What is there already is no error of a preview: it may be about to be replaced.
            if may_come_true(error) or error.reason == "AlreadyExists":
                return news
            raise RefusedError(
                f'resource "{urn}" was not successfully created by the Kubernetes API server: {tell(error, manager)}'
            ) from error
        planned.pop("status", None)
        return self._state(planned, news, manager)

    def update(
        self, state: Properties, news: Properties, ignored: tuple[str, ...], timeout: float, *, dry: bool
    ) -> Properties:
        """Return the new state; raises RefusedError and UnfinishedError."""
        inputs = states.plain(news)
        if dry and (states.has_unknown(inputs) or not self._exists(inputs)):
            return news
        before = states.split(state)[1]
        manager = states.manager_of(state, inputs)
        try:
            live = self._change(before, inputs, manager, ignored, dry=dry)
            if not dry:
                live = self._settle(live, inputs, timeout)
        except NoMatchError as error:
            raise RefusedError(
                f"update failed because the apiVersion for this resource does not exist: {error}"
            ) from error
        except (ApiError, TimedOutError) as error:
            live = self.api.find(before)
            if live is None:
                raise RefusedError(f"update of resource failed: {error}") from error
            message = (
                f'the Kubernetes API server reported that "{states.id_of(live)}" failed to fully initialize or become'
                f" live: {tell(error, manager)}"
            )
            raise UnfinishedError(message, live, self._state(live, news, manager)) from error
        return self._state(live, news, manager)

    def read(
        self, id_: str, kind: tuple[str, str], inputs: Properties, state: Properties
    ) -> tuple[Properties, Properties] | None:
        """Return inputs and state as they are now, None where there is no such object.

        Raises UnfinishedError for one that is not ready (await.Read in the provider): the next update waits for it.
        """
        given, live = states.plain(inputs), states.split(state)[1]
        namespace, _, name = id_.rpartition("/")
        api_version, type_ = (given.get("apiVersion") or kind[0], given.get("kind") or kind[1])
        place = {"name": name} | ({"namespace": namespace} if namespace else {})
        found = self.api.find({"apiVersion": api_version, "kind": type_, "metadata": place})
        if found is None:
            return None
        # A resource that is imported has no inputs yet: all that is no result of the cluster's.
        now = (
            prune(found, normalize(given))
            if given
            else normalize({key: found[key] for key in found if key != "status"})
        )
        manager = states.manager_of(state, given or live)
        hidden = states.hide_like(inputs, now)
        now_is = states.join(found, hidden, manager, states.api_version_of(state, given or found))
        if found["kind"] == "Job" and not is_ready(found):
            raise UnfinishedError(f"'{name}' is not Ready", found, now_is, hidden)
        return hidden, now_is

    def delete(self, state: Properties, timeout: float) -> None:
        """Delete, and wait until the object is gone; raises RefusedError and UnfinishedError."""
        given, live = states.split(state)
        try:
            found = self.api.find(live)
            if found is None:
                return
            self.api.delete(live, _propagation(given))
            if states.annotation(given, states.SKIP_AWAIT) != "true":
                wait_until_gone(self.api, found, seconds_to_wait(timeout, given), self.cancelled)
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise RefusedError(str(error)) from error
        except TimedOutError as error:
            left = self.api.find(live) or live
            raise UnfinishedError(
                str(error), left, self._state(left, given, states.manager_of(state, given))
            ) from error

    # How it is done

    def _is_namespaced(self, inputs: Mapping[str, Any]) -> bool:
        try:
            return self.api.kind(inputs["apiVersion"], inputs["kind"]).namespaced
        except NoMatchError:
            return True

    def _exists(self, inputs: Mapping[str, Any]) -> bool:
        try:
            return bool(self.api.kind(inputs["apiVersion"], inputs["kind"]))
        except NoMatchError:
            return False

    def _create_when_possible(self, inputs: Object, manager: str) -> Object:
        """Create; what the object needs may be there a little later."""
        for seconds in _SECONDS_BEFORE_RETRIES:
            try:
                return self._create(inputs, manager, dry=False)
            except NoMatchError:
                pass
            except ApiError as error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
            time.sleep(seconds)
        return self._create(inputs, manager, dry=False)

    def _create(self, inputs: Object, manager: str, *, dry: bool) -> Object:
        if self.upserts:
            return self._apply(inputs, manager, force=self._is_forced(inputs), dry=dry)
        # Under the name that the first update takes the fields over from.
        return self.api.create(self._placed(inputs), CREATOR, dry=dry)

    def _try(self, inputs: Object, manager: str) -> Object:
        """Apply without consequences; a replacement that takes its predecessor's place is tried beside it."""
        try:
            return self._apply(inputs, manager, force=True, dry=True)
        except ApiError as error:
            if error.reason != "Invalid" or "field is immutable" not in str(error):
                raise
        beside = {**inputs["metadata"], "name": f"{inputs['metadata']['name'][:57]}-{secrets.token_hex(2)}"}
        return self._apply({**inputs, "metadata": beside}, manager, force=True, dry=True)

    def _change(self, before: Object, inputs: Object, manager: str, ignored: tuple[str, ...], *, dry: bool) -> Object:
        live = self.api.get(before)
        if inputs["kind"] == "CustomResourceDefinition":
            metadata = {**inputs["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            return self.api.replace({**inputs, "metadata": metadata}, manager, dry=dry)
        force = self._is_forced(inputs) or (dry and is_created(live))
        if not dry and (managers := taken_back(live, manager)):
            live = self.api.set_managers(live, managers)
        wanted = leave_out_ignored(inputs, live, manager, ignored)
        return self._apply(wanted, manager, force=force, dry=dry)

    def _apply(self, inputs: Object, manager: str, *, force: bool, dry: bool) -> Object:
        return self.api.apply(self._placed(inputs), manager, force=force, dry=dry)

    def _placed(self, inputs: Object) -> Object:
        placed = {**inputs, "metadata": dict(inputs["metadata"])}
        _place(placed, self.namespace if self._is_namespaced(inputs) else "")
        return placed

    def _is_unready_job(self, new: Object, live: Object) -> bool:
        """Return whether a job has not completed which the program wants replaced in that case (Diff)."""
        if new.get("kind") != "Job" or states.annotation(new, states.REPLACE_UNREADY) != "true":
            return False
        now = self.api.find(live)
        return now is not None and not is_ready(now)

    def _is_forced(self, inputs: Mapping[str, Any]) -> bool:
        return self.forced or states.annotation(inputs, states.PATCH_FORCE) == "true"

    def _settle(self, live: Object, inputs: Object, timeout: float) -> Object:
        if states.annotation(inputs, states.SKIP_AWAIT) == "true":
            return live
        return wait_until_ready(self.api, live, seconds_to_wait(timeout, inputs), self.cancelled)

    def _state(self, live: Object, news: Properties, manager: str) -> Properties:
        return states.join(live, news, manager, live["apiVersion"])


def _place(object_: Object, namespace: str) -> None:
    """Put an object into a namespace if it has none, or out of any."""
    metadata = object_.setdefault("metadata", {})
    if not namespace:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata["namespace"] = namespace


def _propagation(inputs: Mapping[str, Any]) -> str:
    asked = states.annotation(inputs, states.DELETION_PROPAGATION).capitalize()
    return asked if asked in {"Orphan", "Background"} else "Foreground"


def is_within(name: str, path: str) -> bool:
    """Tell whether a property is at a path, or below it."""
    return name == path or name.startswith((f"{path}.", f"{path}["))
