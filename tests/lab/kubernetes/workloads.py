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


def documents() -> list[dict[str, Any]]:
    """A namespace with everything in it."""
    web = _container(ports=[{"containerPort": PORT, "hostPort": HOST_PORT}])
    frail = _container(livenessProbe=_probe())
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _set("Deployment", "web", 3, _spec(web, topologySpreadConstraints=[_spread("web")])),
        _set("StatefulSet", "store", 2, _spec(_container()), serviceName="store", podManagementPolicy="Parallel"),
        _set("Deployment", "frail", 1, _spec(frail)),
    ]
