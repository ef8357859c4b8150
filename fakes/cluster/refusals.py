"""What is refused, or left unfinished, and in which words."""

from http import HTTPStatus

from fakes.cluster import states
from fakes.cluster.api import ApiError, Object
from fakes.cluster.states import Properties

_CONFLICT_HELP = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)
_EXISTS_HELP = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""
"""https://github.com/pulumi/pulumi-kubernetes/blob/v4.32.0/provider/pkg/await/await.go (Creation), which wraps it."""


class RefusedError(Exception):
    """What was asked for was not done."""


class UnfinishedError(Exception):
    """It was done, but the object is not as it should be; it is to be kept in the state."""

    def __init__(self, message: str, live: Object, state: Properties, inputs: Properties | None = None) -> None:
        super().__init__(message)
        self.id, self.state, self.inputs = states.id_of(live), state, inputs


def may_come_true(error: ApiError) -> bool:
    """Return whether the update itself may make the reason go away: a namespace, or a service account, to come."""
    if error.code == HTTPStatus.NOT_FOUND:
        return error.kind == "namespaces"
    return error.code == HTTPStatus.FORBIDDEN and "not found" in str(error)


def tell(error: Exception, manager: str) -> str:
    """Return an error's words, for a conflict and for what is there already with the help that the provider adds."""
    if isinstance(error, ApiError) and error.reason == "Conflict":
        return (
            f"Server-Side Apply field conflict detected. See {_CONFLICT_HELP} for troubleshooting help.\n"
            f'The resource managed by field manager "{manager}" had an apply conflict: {error}'
        )
    if isinstance(error, ApiError) and error.reason == "AlreadyExists":
        return f"{error}{_EXISTS_HELP}"
    return str(error)
