"""A client of the Kubernetes API: the few requests that a provider makes, and errors in the server's own words."""

import base64
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
import yaml

Object = dict[str, Any]

SECONDS = 30
"""How long one request may take."""


class ApiError(Exception):
    """What the API server refused, in its words."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(status.get("message") or status)
        self.code: int = status.get("code", 0)
        self.reason: str = status.get("reason", "")
        self.kind: str = status.get("details", {}).get("kind", "")
        """Of what was not found: the kind's plural."""


class NoMatchError(Exception):
    """The API server has no such kind.

    In the words of https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/api/meta/errors.go
    """

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f'no matches for kind "{kind}" in version "{api_version}"')


class UnreachableError(Exception):
    """There is no API server, or it does not answer."""


@dataclass(frozen=True)
class Kind:
    """Where objects of a kind are found."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str) -> str:
        within = f"/namespaces/{namespace or 'default'}" if self.namespaced else ""
        return f"{self.prefix}{within}/{self.plural}/{name}"


class Api:
    """One API server, as a kubeconfig's current context names it, with a bearer token; safe between threads."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        token = _named(config["users"], context["user"])["user"]["token"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.kubeconfig = kubeconfig
        self.url: str = cluster["server"]
        self.namespace: str = context.get("namespace", "default")
        self._pool = urllib3.PoolManager(
            maxsize=64,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            ssl_context=ssl.create_default_context(cadata=authority),
            retries=False,
            timeout=SECONDS,
        )
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        body: Object | list[Object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Return the answer; raises ApiError, or UnreachableError."""
        try:
            response = self._pool.request(
                method,
                self.url + path,
                fields=query if method == "GET" or body is None else None,
                body=None if body is None else json.dumps(body),
                headers={**self._pool.headers, "Content-Type": content_type},
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(f"{method} {self.url}{path}: {error}") from error
        text = response.data.decode()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(_status(text, response.status))
        return json.loads(text) if text.startswith(("{", "[")) else text

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return where such objects are; raises NoMatchError. Asked anew while unknown: definitions come and go."""
        with self._lock:
            if (api_version, kind) not in self._kinds:
                self._discover(api_version)
            try:
                return self._kinds[api_version, kind]
            except KeyError:
                raise NoMatchError(api_version, kind) from None

    def _discover(self, api_version: str) -> None:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            found = self.request("GET", prefix)["resources"]
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return
        self._kinds |= {
            (api_version, each["kind"]): Kind(prefix, each["name"], each["namespaced"])
            for each in found
            if "/" not in each["name"]
        }

    def path(self, object_: Object) -> str:
        """Return where an object is."""
        metadata = object_["metadata"]
        kind = self.kind(object_["apiVersion"], object_["kind"])
        return kind.path(metadata.get("namespace", ""), metadata["name"])

    def get(self, object_: Object) -> Object:
        """Return an object as it is now."""
        return self.request("GET", self.path(object_))

    def find(self, object_: Object) -> Object | None:
        """Return an object as it is now, None where there is none or no such kind."""
        try:
            return self.get(object_)
        except NoMatchError:
            return None
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def apply(self, object_: Object, manager: str, *, force: bool, dry: bool) -> Object:
        """Apply an object on the server; fields that the server does not know are refused."""
        query = {"fieldManager": manager, "force": json.dumps(force), **_strictly(dry=dry)}
        return self.request(
            "PATCH", _ask(self.path(object_), query), object_, content_type="application/apply-patch+yaml"
        )

    def create(self, object_: Object, manager: str, *, dry: bool) -> Object:
        """Make an object; one of its name is refused."""
        collection = self.path({**object_, "metadata": {**object_["metadata"], "name": ""}}).rstrip("/")
        return self.request("POST", _ask(collection, {"fieldManager": manager, **_strictly(dry=dry)}), object_)

    def replace(self, object_: Object, manager: str, *, dry: bool) -> Object:
        """Put an object in place of the one of its name."""
        return self.request("PUT", _ask(self.path(object_), {"fieldManager": manager, **_strictly(dry=dry)}), object_)

    def set_managers(self, object_: Object, managers: list[Object]) -> Object:
        """Say who manages which fields of an object."""
        change = [{"op": "replace", "path": "/metadata/managedFields", "value": managers}]
        return self.request("PATCH", self.path(object_), change, content_type="application/json-patch+json")

    def delete(self, object_: Object, propagation: str) -> None:
        """Have an object deleted, which can take its time."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self.request("DELETE", self.path(object_), options)

    def close(self) -> None:
        self._pool.clear()


def _strictly(*, dry: bool) -> dict[str, str]:
    return {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry else {})


def _ask(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{'&'.join(f'{key}={value}' for key, value in query.items())}"


def _status(text: str, code: int) -> Mapping[str, Any]:
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    return status if isinstance(status, dict) else {"code": code, "message": text.strip()}


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)
