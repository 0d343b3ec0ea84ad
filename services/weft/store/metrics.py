"""Requests to the Kubernetes API, under Kube-OVN's name and labels."""

from __future__ import annotations

from prometheus_client import Histogram

LATENCY = Histogram(
    "rest_client_request_latency_seconds",
    "Requests to the Kubernetes API; url is the collection, without names of objects",
    ["verb", "url"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)


def collection(path: str) -> str:
    """`/api/v1/pods` of `/api/v1/namespaces/ns1/pods/web/status`: few enough to count by."""
    parts = path.strip("/").split("/")
    group, rest = (parts[:2], parts[2:]) if parts[0] == "api" else (parts[:3], parts[3:])
    kind = rest[2] if len(rest) > 2 and rest[0] == "namespaces" else rest[0]
    return "/" + "/".join([*group, kind])
