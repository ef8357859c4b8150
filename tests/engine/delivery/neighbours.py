"""What the controllers ask in the cluster, on loopback: Prometheus, and the load tester.

They are asked under the names that they have in the cluster, by way of a proxy, so that nothing that the program
hands over needs another address here.
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SOUND: Mapping[str, float] = {"success": 100, "latency": 20, "cpu": 10}
"""What Prometheus says of a version that is good: per cent, milliseconds, per cent."""

SECONDS_UNTIL_MEASURED = 2
"""How long it takes until requests show in the metrics: less than the shortest interval of Flagger, and not nothing."""

_NAMESPACE = re.compile(r'namespace="([^"]+)"')
_KINDS = (("cpu", re.compile("cpu")), ("latency", re.compile("duration|bucket|quantile")), ("success", re.compile("")))


@dataclass
class Neighbours:
    """A proxy that is all that it leads to."""

    answers: dict[str, float] = field(default_factory=lambda: dict(SOUND))
    """What Prometheus says now."""
    asked: dict[str, set[str]] = field(default_factory=dict)
    """Queries so far, by what they ask for."""
    called: list[str] = field(default_factory=list)
    """What was asked of others than Prometheus: the load tester's addresses."""
    loaded: dict[str, float] = field(default_factory=dict)
    """When the first load of a new version began, by its namespace: there is no other traffic."""

    def __enter__(self) -> Self:
        neighbours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(neighbours.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(neighbours.post(self.path, json.loads(body)))

            def _answer(self, body: Any) -> None:
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Nothing: what matters is recorded."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def variables(self) -> Mapping[str, str]:
        """What makes a process written in Go ask here; it asks loopback addresses itself."""
        return {"HTTP_PROXY": f"http://127.0.0.1:{self._server.server_port}", "NO_PROXY": "127.0.0.1"}

    def get(self, address: str) -> Any:
        parts = urlsplit(address)
        if not parts.path.endswith("/query"):
            return {"status": "success", "data": {}}
        [query] = parse_qs(parts.query)["query"]
        kind = next(kind for kind, pattern in _KINDS if pattern.search(query))
        self.asked.setdefault(kind, set()).add(query)
        namespace = _NAMESPACE.search(query)
        if namespace and not self._is_measured(namespace[1]):
            return {"status": "success", "data": {"resultType": "vector", "result": []}}
        sample = {"metric": {}, "value": [0, str(self.answers[kind])]}
        return {"status": "success", "data": {"resultType": "vector", "result": [sample]}}

    def _is_measured(self, namespace: str) -> bool:
        """Return whether there have been requests for long enough."""
        began = self.loaded.get(namespace)
        return began is not None and time.monotonic() - began > SECONDS_UNTIL_MEASURED

    def post(self, address: str, body: Any) -> Any:
        self.called.append(address)
        if body.get("metadata", {}).get("cmd", "").startswith("hey "):
            self.loaded.setdefault(body["namespace"], time.monotonic())
        return {}
