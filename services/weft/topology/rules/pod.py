"""What a pod may not ask for, given the others."""

from __future__ import annotations

from collections.abc import Iterator

from weft.api.annotations import NETNS
from weft.api.core import IP_ADDRESS, LOGICAL_SWITCH, MAC_ADDRESS, Pod
from weft.api.problem import Problem
from weft.net.addresses import parse_addresses
from weft.topology.rules.wishes import check_wishes
from weft.topology.view import View


def check_pod(view: View, pod: Pod) -> Iterator[Problem]:
    """What forbids a pod to be this."""
    if pod.spec.host_network:
        return
    if pod.namespace not in view.namespaces:
        yield pod.problem("metadata.namespace", f"Namespace/{pod.namespace} does not exist")
    yield from _leaves(view, pod)
    yield from _moved(view, pod)
    yield from check_wishes(view, pod, pod.port_name.__eq__)


def _leaves(view: View, pod: Pod) -> Iterator[Problem]:
    """A pod that a runtime started stays where it is; an endpoint moves, since agents make and remove its namespace."""
    old = view.pods.get(pod.ref)
    if old is None or old.spec.node_name in ("", pod.spec.node_name):
        return
    if not all(item.metadata.annotations.get(NETNS) for item in (old, pod)):
        yield pod.problem(
            "spec.nodeName", f"{pod.spec.node_name!r}: cannot change from {old.spec.node_name!r}; delete the pod first"
        )


def _moved(view: View, pod: Pod) -> Iterator[Problem]:
    """An address is for the pod's life: what is asked for later has no effect, so it is refused."""
    ip = view.ips.get(pod.port_name)
    if ip is None or pod.ref not in view.pods:
        return
    for annotation, has in ((LOGICAL_SWITCH, ip.spec.subnet), (MAC_ADDRESS, ip.spec.mac_address)):
        wish = pod.metadata.annotations.get(annotation, "").strip()
        if wish and wish.lower() != has.lower():
            yield _cannot_move(pod, annotation, wish, has)
    wishes = set(parse_addresses(pod.metadata.annotations.get(IP_ADDRESS, "")))
    if not wishes <= set(ip.addresses):
        yield _cannot_move(pod, IP_ADDRESS, pod.metadata.annotations[IP_ADDRESS], ip.spec.ip_address)


def _cannot_move(pod: Pod, annotation: str, wish: str, has: str) -> Problem:
    return pod.problem(f"metadata.annotations[{annotation}]", f"{wish!r}: the pod has {has}; delete it first")
