"""`prismctl reach`: checks whether a stack's cluster answers, before an update fails for each object in it."""

import json
import sys
from collections.abc import Callable

from prismctl import helm
from prismctl.errors import OutsideError
from settings import naming

SECONDS = 20
_PLACE = ("--namespace", "kube-system", "--max", "1")
_NO_WAY = "it is not reachable from here: its endpoint is private, or allows other addresses only"
_STRANGER = "it answers, but refuses the caller: only cluster.admins have access"
_CAUSES: tuple[tuple[str, str], ...] = (
    # In the words of Go's net and crypto/x509, of client-go, and of the API server.
    ("no such host", "its host name does not resolve: the cluster was deleted, or this network cannot resolve it"),
    ("i/o timeout", _NO_WAY),
    ("no answer", _NO_WAY),
    ("deadline exceeded", _NO_WAY),
    ("network is unreachable", _NO_WAY),
    ("connection refused", "nothing listens there"),
    ("x509:", "its certificate does not match the kubeconfig: write the kubeconfig again"),
    ("getting credentials", "no credentials: log in to the AWS account of the cluster"),
    ("provide credentials", _STRANGER),
    ("Unauthorized", _STRANGER),
)


def reach(stack: str, where: Callable[[str], helm.Cluster], *, as_json: bool) -> int:
    """Print whether a stack's cluster answers this caller; returns 1 if it does not. Raises UsageError."""
    name = naming.physical_name("cluster", stack)
    cluster = where(name)
    said = ""
    try:
        cluster.list(*_PLACE, seconds=SECONDS)
    except OutsideError as error:
        # A caller that may not list Secrets, where Helm stores its releases, was authenticated.
        said = "" if "is forbidden" in str(error) else str(error)
    if as_json:
        document = {"stack": stack, "server": cluster.server, "answers": not said, "cause": _cause(said), "said": said}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif said:
        sys.stdout.write(f"{name} does not answer: {_cause(said)}\n  {said}\n  See docs/recovery.md.\n")
    else:
        sys.stdout.write(f"{name} answers at {cluster.server}\n")
    return 1 if said else 0


def _cause(said: str) -> str | None:
    """Return the likely cause of an error; None where there is no error."""
    if not said:
        return None
    return next((cause for words, cause in _CAUSES if words in said), "unknown; see the message")
