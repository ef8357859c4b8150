"""Whether a stack's cluster answers: said once, before an update says it of each object in it."""

import json
import sys
from collections.abc import Callable

from prismctl import helm
from prismctl.errors import OutsideError
from settings import naming

SECONDS = 20
_PLACE = ("--namespace", "kube-system", "--max", "1")
_NO_WAY = "there is no way to it from here: its endpoint is private, or open to other addresses only"
_STRANGER = "it answers, and does not know the caller: only cluster.admins may change what runs in it"
_CAUSES: tuple[tuple[str, str], ...] = (
    # In the words of Go's net and crypto/x509, of client-go, and of the API server.
    ("no such host", "its name is not known here: the cluster is gone, or this is not the network that knows it"),
    ("i/o timeout", _NO_WAY),
    ("no answer", _NO_WAY),
    ("deadline exceeded", _NO_WAY),
    ("network is unreachable", _NO_WAY),
    ("connection refused", "nothing listens there"),
    ("x509:", "it is another server than the kubeconfig is for: write the kubeconfig again"),
    ("getting credentials", "no credentials could be had for it: is there a session in this AWS account?"),
    ("provide credentials", _STRANGER),
    ("Unauthorized", _STRANGER),
)


def reach(stack: str, where: Callable[[str], helm.Cluster], *, as_json: bool) -> int:
    """Say whether a stack's cluster answers this caller; returns 1 where it does not. Raises UsageError."""
    name = naming.physical_name("cluster", stack)
    cluster = where(name)
    said = ""
    try:
        cluster.list(*_PLACE, seconds=SECONDS)
    except OutsideError as error:
        # Who may not list Secrets, where Helm keeps its releases, has been let in.
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
    """Return what is likely behind an error, in words; None where there is none, or none is known."""
    if not said:
        return None
    return next((cause for words, cause in _CAUSES if words in said), "see what was said")
