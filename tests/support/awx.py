"""The part of AWX's API that its modules use: objects over HTTP, kept as they were written, answered as AWX answers.

AWX itself needs a cluster of containers. It has no rules here but that what is referred to is there; what may be sent
is known to the modules' own argument specs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ROOT = "/api/v2"
ASSOCIATIONS = ("credentials", "labels", "success_nodes", "failure_nodes", "always_nodes", "instance_groups")
LINKS = {**dict.fromkeys(("job_templates", "workflow_job_templates"), ("survey_spec",)), "projects": ("update",)}
DEFAULTS = {"projects": {"scm_revision": "0" * 40, "status": "successful"}}
UNIFIED = ("job_templates", "workflow_job_templates", "projects")
Answer = tuple[int, Any]


@dataclass
class Awx:
    """What was made, by the collections of the API; `writes` are all requests that are no GET."""

    objects: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    surveys: dict[str, Any] = field(default_factory=dict)
    linked: dict[str, list[int]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    url: str = ""

    def add(self, kind: str, columns: Mapping[str, Any]) -> dict[str, Any]:
        """A new object of a collection, as `organizations`."""
        there = self.objects.setdefault(kind, {})
        number = sum(map(len, self.objects.values())) + 1
        where = f"{ROOT}/{kind}/{number}/"
        related = {name: f"{where}{name}/" for name in (*ASSOCIATIONS, *LINKS.get(kind, ()))}
        if kind == "workflow_job_templates":
            related["workflow_nodes"] = f"{where}workflow_nodes/"
        there[number] = {"id": number, "type": kind.rstrip("s"), "url": where, "related": related, "summary_fields": {}}
        there[number] |= DEFAULTS.get(kind, {}) | dict(columns)
        return there[number]

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a collection by name, or by identifier where they have none."""
        return {item.get("name") or item["identifier"]: item for item in self.objects.get(kind, {}).values()}

    def survey(self, kind: str, name: str) -> list[dict[str, Any]]:
        """The questions of a job template."""
        return list(self.surveys.get(self.named(kind)[name]["related"]["survey_spec"], {}).get("spec", []))

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        """Status and body of one request."""
        if method != "GET":
            self.writes.append(f"{method} {path}")
        parts = path.removeprefix(ROOT).strip("/").split("/")
        match parts:
            case ["ping"]:
                return 200, {"version": "24.6.1"}
            case [kind]:
                return self._collection(method, kind, query, body)
            case [kind, number]:
                return self._object(method, self.objects.get(kind, {}).get(int(number)), body)
            case [_, _, "survey_spec"]:
                return self._survey(method, path, body)
            case ["workflow_job_templates", number, "workflow_nodes"]:
                mine = {"workflow_job_template": number, **query}
                return self._collection(method, "workflow_job_template_nodes", mine, {**(body or {}), **mine})
            case [kind, _, name]:
                return self._association(method, path, name, body)
        return 404, {"detail": "Not found."}

    def _collection(self, method: str, kind: str, query: Mapping[str, str], body: Any) -> Answer:
        if method == "POST":
            return 201, self.add(kind, body)
        filters = {key: value for key, value in query.items() if key not in ("page_size", "page", "order_by")}
        kinds = UNIFIED if kind == "unified_job_templates" else (kind,)
        found = [
            item
            for name in kinds
            for item in self.objects.get(name, {}).values()
            if all(str(item.get(key.removesuffix("__exact"))) == value for key, value in filters.items())
        ]
        return 200, {"count": len(found), "next": None, "results": found}

    @staticmethod
    def _object(method: str, item: dict[str, Any] | None, body: Any) -> Answer:
        if item is None:
            return 404, {"detail": "Not found."}
        if method == "PATCH":
            item |= body
        return 200, item

    def _survey(self, method: str, path: str, body: Any) -> Answer:
        if method == "POST":
            self.surveys[path] = body
        return 200, self.surveys.get(path, {})

    def _association(self, method: str, path: str, name: str, body: Any) -> Answer:
        ids = self.linked.setdefault(path, [])
        if method == "POST":
            (ids.remove if body.get("disassociate") else ids.append)(body["id"])
            return 204, None
        return 200, {"count": len(ids), "next": None, "results": [{"id": number} for number in ids]}


@contextmanager
def awx() -> Iterator[Awx]:
    """An AWX on loopback with the organization that each has."""
    made = Awx()
    made.add("organizations", {"name": "Default"})
    made.add("credentials", {"name": "lab SSH"})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parts = urlsplit(self.path)
            code, answer = made.answer(self.command, parts.path, dict(parse_qsl(parts.query)), body)
            text = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server wants

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
