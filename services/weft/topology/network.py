"""The networks of a pod: its default one, and those that it asks for by annotation (Kube-OVN 1.15 manual, 7.1).

Each has a name for its port and its reservation, and the annotations of its provider. A network whose definition has
vanished stays what it was for those pods that have their addresses already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from weft.api.annotations import DEFAULT_NETWORK, DEFAULT_PROVIDER, NETWORKS, key, parse_routes
from weft.api.attachment import NetworkRequest, parse_requests, provider_of
from weft.api.core import VIP, Pod
from weft.api.ip import IP
from weft.net.addresses import Address
from weft.topology.settings import Settings
from weft.topology.view import View

INTERFACE = "eth0"
NO_DEVICE = "none"
NOTHING_ASKED = NetworkRequest("", "")


@dataclass(frozen=True, slots=True)
class Network:
    """One network of one pod."""

    provider: str
    port: str
    """Name of the logical switch port, and of the row that tells the host."""
    reservation: str
    """Name of the `IP` object."""
    interface: str = INTERFACE
    """Empty where the runtime chooses."""
    primary: bool = True
    is_overlay: bool = True
    """Whether our plugin makes the interface; otherwise only its addresses are ours."""
    device_type: str = "veth"
    """What our plugin makes it of."""
    request: NetworkRequest = NOTHING_ASKED
    missing: str = ""
    """Why it cannot be served."""

    @property
    def borrows(self) -> bool:
        """Whether it uses the address of a Vip, instead of one of its own."""
        return self.primary and self.reservation.startswith("vip-")

    def annotation(self, pod: Pod, name: str) -> str:
        """What the pod asks for this network: for the very interface, or for all of the provider."""
        given = pod.metadata.annotations
        if not given:
            return ""
        wanted = key(self.provider, name)
        if self.interface and (text := given.get(f"{wanted}.{self.interface}")) is not None:
            return text.strip()
        return given.get(wanted, "").strip()

    def routes(self, pod: Pod) -> list[tuple[str, str]]:
        """(destination, gateway) of routes that the pod asks for."""
        text = self.annotation(pod, "routes")
        return parse_routes(text) if text else []


def vip_reservation(vip: str) -> str:
    """Name of the `IP` object that keeps a Vip's address."""
    return f"vip-{vip}"


def networks(view: View, settings: Settings, pod: Pod) -> list[Network]:
    """All of them, the default one first; none of pods in their host's own network."""
    if pod.spec.host_network:
        return []
    annotations = pod.metadata.annotations
    first: list[Network] = []
    if settings.primary:
        given = parse_requests(annotations.get(DEFAULT_NETWORK, ""), pod.namespace)
        first = [_default(view, pod, given[0])] if given else [_ovn(pod)]
    text = annotations.get(NETWORKS, "")
    return [*first, *_further(view, pod, text)] if text else first


def _ovn(pod: Pod) -> Network:
    return _overlay(pod.port_name, pod.metadata.annotations.get(VIP, "").strip())


@lru_cache(maxsize=4096)  # asked for again in each step of a round
def _overlay(name: str, vip: str) -> Network:
    return Network(DEFAULT_PROVIDER, name, vip_reservation(vip) if vip else name)


def _default(view: View, pod: Pod, request: NetworkRequest) -> Network:
    """Another network takes the place of the default one."""
    found = _resolve(view, pod, request, "")
    if found is None:
        return _missing(pod, request, INTERFACE, primary=True)
    provider, device = found
    name = f"{pod.port_name}.{provider}"
    return Network(provider, name, name, INTERFACE, True, device != NO_DEVICE, device, request)


def _further(view: View, pod: Pod, text: str) -> Iterator[Network]:
    requests = parse_requests(text, pod.namespace)
    times = Counter(request.ref for request in requests)
    for position, request in enumerate(requests, 1):
        several = times[request.ref] > 1
        interface = request.interface or (f"net{position}" if several else "")
        suffix = f".{interface}" if several else ""
        found = _resolve(view, pod, request, suffix)
        if found is not None:
            provider, device = found
            name = f"{pod.port_name}.{provider}{suffix}"
            yield Network(provider, name, name, interface, False, device != NO_DEVICE, device, request)
        elif request.ref not in view.networks:
            yield _missing(pod, request, interface, primary=False)


def _missing(pod: Pod, request: NetworkRequest, interface: str, *, primary: bool) -> Network:
    provider = provider_of(request.namespace, request.name, is_overlay=True)
    name = f"{pod.port_name}.{provider}"
    why = f"{request.ref} does not exist"
    return Network(provider, name, name, interface, primary=primary, request=request, missing=why)


def _resolve(view: View, pod: Pod, request: NetworkRequest, suffix: str) -> tuple[str, str] | None:
    """(provider, device type). None of a definition that has nothing of ours, or that nobody knows."""
    definition = view.networks.get(request.ref)
    if definition is not None:
        provider = definition.provider
        if definition.wants_addresses or provider in view.subnets_of_provider:
            return provider, definition.device_type
        return None
    for is_overlay in (True, False):
        provider = provider_of(request.namespace, request.name, is_overlay)
        if f"{pod.port_name}.{provider}{suffix}" in view.ips:
            return provider, "veth" if is_overlay else NO_DEVICE
    return None


@dataclass(frozen=True, slots=True)
class Attached:
    """A network that has its addresses."""

    network: Network
    ip: IP
    default_route: bool
    """Whether what has no other route leaves by the gateway of this network's subnet."""
    shared: tuple[str, ...] = ()
    """Addresses of Vips that the pod may take over (annotation `aaps`)."""

    def routes(self, pod: Pod) -> list[str]:
        """`DESTINATION via GATEWAY`: the pod's own wishes, and default routes by other gateways than the subnet's."""
        asked = [f"{destination} via {gateway}" for destination, gateway in self.network.routes(pod)]
        return [*asked, *(f"{_all(gateway)} via {gateway}" for gateway in self.network.request.default_route)]


def default_route_of(pod: Pod, found: list[Network]) -> Network | None:
    """The network whose subnet's gateway is the pod's default route: the one that asks for it, else the default one.

    None where one names gateways of its own.
    """
    asking = [network for network in found if network.annotation(pod, "default_route") == "true"]
    if asking:
        return asking[0]
    if any(network.request.default_route for network in found if not network.primary):
        return None
    return found[0] if found and found[0].primary else None


def _all(gateway: Address) -> str:
    return "0.0.0.0/0" if gateway.version == 4 else "::/0"
