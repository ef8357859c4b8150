"""Objects of a cluster without an API server: they stand in Pulumi's state and nowhere else.

What only a server knows (defaults, admission, schemas of custom resources) is not looked at; a run on a real API
server does that. Everything else is as in `objects.py`.
"""

from copy import deepcopy

from fakes.cluster import states
from fakes.cluster.differences import Change, differences, normalize
from fakes.cluster.objects import Difference, is_within
from fakes.cluster.replacements import patterns_of
from fakes.cluster.states import Properties
from recording.graph import UNKNOWN


class StateOnlyObjects:
    """The objects of a cluster that has no API server."""

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """Return the inputs with a name, where they have none."""
        inputs = deepcopy(states.plain(news))
        metadata = inputs.setdefault("metadata", {})
        if metadata is UNKNOWN:
            return news
        if not metadata.get("name"):
            given = states.plain(olds).get("metadata", {}).get("name") if olds else None
            states.name_automatically(inputs, given or states.random_name(name, seed))
        return states.hide_like(news, inputs)

    def diff(self, state: Properties, news: Properties, ignored: tuple[str, ...]) -> Difference:
        old, new = normalize(states.split(state)[0]), normalize(states.plain(news))
        if new.get("metadata") is UNKNOWN:
            return Difference([Change(("metadata",), "UPDATE", replace=False)], delete_before_replace=False)
        changes = [
            change
            for change in differences(old, new, patterns_of(new, frozenset()))
            if not any(is_within(change.name, path) for path in ignored)
        ]
        same_place = all(new["metadata"].get(key) == old["metadata"].get(key) for key in ("name", "namespace"))
        replace = any(change.replace for change in changes)
        return Difference(changes, delete_before_replace=replace and same_place)

    def create(self, urn: str, news: Properties, timeout: float) -> tuple[str, Properties]:  # noqa: ARG002
        """Return the id and the state."""
        inputs = states.plain(news)
        return states.id_of(inputs), states.join(
            inputs, news, states.manager_of({}, inputs), inputs.get("apiVersion", "")
        )

    def plan_creation(self, urn: str, news: Properties) -> Properties:  # noqa: ARG002
        return news

    def update(
        self,
        state: Properties,
        news: Properties,
        ignored: tuple[str, ...],  # noqa: ARG002
        timeout: float,  # noqa: ARG002
        *,
        dry: bool,
    ) -> Properties:
        inputs = states.plain(news)
        if dry and states.has_unknown(inputs):
            return news
        return states.join(inputs, news, states.manager_of(state, inputs), states.api_version_of(state, inputs))

    def read(
        self,
        id_: str,  # noqa: ARG002
        kind: tuple[str, str],  # noqa: ARG002
        inputs: Properties,
        state: Properties,
    ) -> tuple[Properties, Properties] | None:
        """Return what stands in the state; nothing else can be there."""
        return (inputs, state) if state else None

    def delete(self, state: Properties, timeout: float) -> None:
        """Nothing is left to delete."""
