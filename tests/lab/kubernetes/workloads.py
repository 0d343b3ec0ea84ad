"""What the containers' tests run: a Deployment with a pod on each host, a StatefulSet, and a pod that can be made ill.

All run busybox's web server, which answers with the pod's name. The image is made on the hosts; nothing is pulled.
"""

from __future__ import annotations

from typing import Any

NAMESPACE = "containers"
PORT = 8080
HOST_PORT = 8088
SERVE = f"mkdir /www && hostname >/www/index.html && exec httpd -f -p {PORT} -h /www"


def _probe(**how: Any) -> dict[str, Any]:
    return {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1, "failureThreshold": 2, **how}


def _container(**more: Any) -> dict[str, Any]:
    return {
        "name": "web",
        "image": "localhost/busybox:1",
        "command": ["sh", "-c", SERVE],
        "readinessProbe": _probe(),
        **more,
    }


def _spec(container: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"terminationGracePeriodSeconds": 1, "containers": [container], **more}


def _set(kind: str, name: str, replicas: int, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **more},
    }


def _spread(app: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": app}},
    }


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def kept_pod(name: str, host: str, place: str) -> dict[str, Any]:
    """A pod without a container, in a network namespace NAME.PLACE that the host's agent keeps."""
    metadata = {"name": name, "namespace": place, "annotations": {"weft.ovn/netns": f"{name}.{place}"}}
    spec = {"nodeName": host, "containers": [{"name": "none", "image": "none"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def deployment(name: str, replicas: int, place: str, marks: dict[str, str] | None = None) -> dict[str, Any]:
    made = _set("Deployment", name, replicas, _spec(_container()))
    made["metadata"]["namespace"] = place
    made["spec"]["template"]["metadata"]["annotations"] = marks or {}
    return made


def daemon_set(name: str, place: str) -> dict[str, Any]:
    made = _set("DaemonSet", name, 0, _spec(_container()))
    made["metadata"]["namespace"] = place
    del made["spec"]["replicas"]
    return made


def budget(app: str, least: int, place: str) -> dict[str, Any]:
    metadata = {"name": app, "namespace": place}
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}


def documents() -> list[dict[str, Any]]:
    """A namespace with everything in it."""
    web = _container(ports=[{"containerPort": PORT, "hostPort": HOST_PORT}])
    frail = _container(livenessProbe=_probe())
    return [
        namespace(NAMESPACE),
        _set("Deployment", "web", 3, _spec(web, topologySpreadConstraints=[_spread("web")])),
        _set("StatefulSet", "store", 2, _spec(_container()), serviceName="store", podManagementPolicy="Parallel"),
        _set("Deployment", "frail", 1, _spec(frail)),
    ]
