"""What tools/reach.py asks of kubectl, on a fabric whose objects are in a Kubernetes API.

kubectl runs on the member that has it, as an administrator would: documents go in on standard input, JSON comes out, in
the shapes that weftctl gives. No kubelet says that a lab's pod is wired, so OVN is asked which ports are up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

Run = Callable[[str, bytes], str]
"""Runs a command on the member with that standard input, gives its output; raises an error of the caller's."""
PREFIX = "ovn.kubernetes.io/"
RANK = {"Namespace": 0, "Vpc": 1, "Subnet": 2}
ACTIONS = {"configured": "changed", "serverside-applied": "applied"}
PAUSE = 0.5
UP = "ovn-nbctl --no-leader-only --bare --columns=name find Logical_Switch_Port up=true"
STORE = "grep -qFx [kubernetes] /etc/weft/controller.toml && echo kubernetes || true"


def serves(run: Run) -> bool:
    """Whether the fabric has its objects from a Kubernetes API."""
    return run(STORE, b"").strip() == "kubernetes"


def apply(run: Run, sources: Sequence[str], patience: float, failure: type[Exception]) -> list[dict[str, Any]]:
    """Apply files and folders, and wait until their workloads are wired; what became of each."""
    documents = sorted(_documents(sources), key=lambda document: RANK.get(document["kind"], 9))
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}).encode()
    deadline = time.monotonic() + patience
    while True:
        try:
            lines = run("kubectl apply -f -", body).splitlines()
            break
        except failure as error:
            # A new namespace gets the account that its pods need a moment later.
            if "serviceaccount" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
    words = [line.rsplit(" ", 1)[-1] for line in lines]
    results = [
        {"object": _ref(document), "action": ACTIONS.get(word, word)}
        for document, word in zip(documents, words, strict=True)
    ]
    _wait(run, {item["object"] for item in results if item["object"].startswith("Pod/")}, deadline, failure)
    return results


def _documents(sources: Sequence[str]) -> Iterator[dict[str, Any]]:
    for source in map(Path, sources):
        files = sorted([*source.glob("*.yml"), *source.glob("*.yaml")]) if source.is_dir() else [source]
        for file in files:
            yield from (document for document in yaml.safe_load_all(file.read_text()) if document)


def _ref(document: dict[str, Any]) -> str:
    metadata = document["metadata"]
    return "/".join(filter(None, (document["kind"], metadata.get("namespace", ""), metadata["name"])))


def _wait(run: Run, wanted: set[str], deadline: float, failure: type[Exception]) -> None:
    while True:
        ready = {f"Pod/{item['namespace']}/{item['name']}" for item in read(run)[0] if item["ready"]}
        if wanted <= ready:
            return
        if time.monotonic() > deadline:
            raise failure(f"not wired in time, see kubectl describe pod: {', '.join(sorted(wanted - ready))}")
        time.sleep(PAUSE)


def read(run: Run) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """Endpoints, subnets and reservations, as `weftctl -o json` has them."""
    kinds = ("pods --all-namespaces", "subnets.kubeovn.io", "ips.kubeovn.io")
    script = "; ".join(f"kubectl get {kind} -o json | tr '\\n' ' '; echo" for kind in kinds)
    *lists, ports = run(f"{script}; {UP} | tr '\\n' ' '", b"").split("\n")
    pods, subnets, ips = map(json.loads, lists)
    up = set(ports.split())
    return [_endpoint(pod, up) for pod in pods["items"] if f"{PREFIX}ip_address" in _marks(pod)], subnets, ips


def _marks(pod: dict[str, Any]) -> dict[str, str]:
    return dict(pod["metadata"].get("annotations", {}))


def _endpoint(pod: dict[str, Any], up: set[str]) -> dict[str, Any]:
    name, namespace, marks = pod["metadata"]["name"], pod["metadata"]["namespace"], _marks(pod)
    return {
        "name": name,
        "namespace": namespace,
        "host": pod["spec"].get("nodeName", ""),
        "subnet": marks.get(f"{PREFIX}logical_switch", ""),
        "addresses": marks[f"{PREFIX}ip_address"].split(","),
        "netns": marks.get("weft.ovn/netns", ""),
        "ready": marks.get(f"{PREFIX}routed") == "true" and f"{name}.{namespace}" in up,
    }
