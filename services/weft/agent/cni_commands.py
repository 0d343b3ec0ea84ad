"""What each CNI command does on this host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from weft.agent import cni_types, metrics
from weft.agent.attachment import Addressing, addressing, after
from weft.agent.cni_capabilities import device_id, dns, refuse_foreign
from weft.agent.cni_types import CniError, Request
from weft.agent.config import AgentSection
from weft.agent.device.base import Wanted
from weft.agent.locks import Locks
from weft.agent.ovs import LocalOvs
from weft.agent.problems import Problems
from weft.agent.underlay import Underlay, network_of
from weft.agent.view import DEFAULT_PROVIDER, Port, Subnet, View
from weft.agent.wiring import Wiring, invalid, plan
from weft.log import get_logger

_log = get_logger(__name__)


class Commands:
    """ADD, DEL, CHECK, STATUS and GC."""

    def __init__(
        self,
        node: str,
        settings: AgentSection,
        view: View,
        ovs: LocalOvs,
        wiring: Wiring,
        problems: Problems,
        underlay: Underlay,
    ) -> None:
        self._node = node
        self._settings = settings
        self._view = view
        self._ovs = ovs
        self._wiring = wiring
        self._problems = problems
        self._underlay = underlay
        self._locks = Locks()
        self._verbs: dict[str, Callable[[Request], Awaitable[dict[str, Any] | None]]] = {
            "ADD": self.add, "DEL": self.delete, "CHECK": self.check, "STATUS": self.status, "GC": self.collect,
        }  # fmt: skip

    async def run(self, request: Request) -> dict[str, Any] | None:
        """Carry out a request; the result document of ADD, None of the others. Raises CniError."""
        started = time.perf_counter()
        code: int | str = 0
        try:
            return await self._verbs[request.command](request)
        except CniError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "cancelled"
            raise
        except Exception:
            code = cni_types.WIRING_FAILED
            raise
        finally:
            seconds = time.perf_counter() - started
            metrics.cni_requests.labels(request.command, code).inc()
            metrics.cni_latency.labels(self._node, request.command, code).observe(seconds)
            _log.info(
                "CNI request done", command=request.command, pod=request.pod_name, container=request.container[:12],
                ifname=request.ifname, code=code, ms=round(seconds * 1000),
            )  # fmt: skip

    # --- ADD ---

    async def add(self, request: Request) -> dict[str, Any]:
        try:
            result = await self._add(request)
        except CniError as error:
            self._problems.report(f"port/{self._port_name(request)}", f"{error.message} {error.details}".strip())
            raise
        self._forget_problem(request)
        return result

    async def _add(self, request: Request) -> dict[str, Any]:
        if not request.pod or not request.namespace:
            raise CniError(
                cni_types.INVALID_ENVIRONMENT, "CNI_ARGS: K8S_POD_NAMESPACE and K8S_POD_NAME are missing",
                "the port of a workload is found by its pod's name; runtimes set them, `cnitool` takes CNI_ARGS",
            )  # fmt: skip
        deadline = time.monotonic() + self._settings.add_timeout
        if request.ipam:
            return {**(await self._addresses(request, deadline)).result(request.version), "dns": dns(request)}
        self._need_ovs()
        async with self._locks.held(f"container/{request.container}/{request.ifname}"):
            port, subnet = await self._port(request, deadline)
            refuse_foreign(request, port.mac, port.addresses)
            _refuse_kept(request, port)
            wanted = await self._plan(request, port, subnet)
            async with self._locks.held(f"link/{wanted.host_interface}"):
                return await self._attach(request, wanted, deadline)

    async def _plan(self, request: Request, port: Port, subnet: Subnet) -> Wanted:
        """The interface of a port. One that is bound to a network of nodes does not run beside it."""
        network = network_of(port, subnet)
        address = self._underlay.address(network)
        if network and not address:
            raise CniError(
                cni_types.TRY_AGAIN,
                f"Port/{port.name}: host {self._node} has no address in network {network}, which carries its tunnels",
                f"networks of the host: {', '.join(sorted(self._underlay.networks)) or 'none'}; see its node's "
                f"annotation ovn.kubernetes.io/node_networks, agent_tunnel_networks, and problem tunnel/{network}",
            )
        wanted = plan(port, subnet, await self._underlay.mtu(network), address if network else "")
        return await self._wiring.place(request, wanted)

    async def _addresses(self, request: Request, deadline: float) -> Addressing:
        """What another plugin shall put on the interface that it makes."""
        return addressing(*await self._port(request, deadline))

    async def _attach(self, request: Request, wanted: Wanted, deadline: float) -> dict[str, Any]:
        try:
            attachment = await self._wiring.attach(request, wanted, deadline)
        except TimeoutError:
            interface = self._ovs.interfaces.get(wanted.host_interface)
            raise CniError(
                cni_types.TRY_AGAIN,
                f"Port/{wanted.port.name}: ovn-controller has not installed its flows within "
                f"{self._settings.add_timeout:g} s",
                f"is ovn-controller of {self._node} running and connected to the Southbound database, and northd? "
                f"Open vSwitch says of {wanted.host_interface}: {(interface and interface.error) or 'no error'}",
                reason="not-bound",
            ) from None
        result = {**attachment.result(request.version), "dns": dns(request)}
        return after(request.config.get("prevResult"), result)

    def _need_ovs(self) -> None:
        if not self._ovs.ready:
            what = "its database does not answer" if not self._ovs.connected else f"no bridge {self._ovs.bridge}"
            raise CniError(
                cni_types.TRY_AGAIN, f"Open vSwitch on {self._node}: {what}",
                "look at ovsdb-server, ovs-vswitchd and ovn-controller of this host", reason="open-vswitch",
            )  # fmt: skip

    async def _need_database(self) -> None:
        """New workloads need the database's word of now; a short outage, as at a leader's change, is waited out."""
        try:
            await self._view.wait_for(lambda: self._view.trusted or None, self._settings.connect_grace)
        except TimeoutError:
            why = "has no rows at all" if self._view.emptied else "is not connected"
            raise CniError(
                cni_types.TRY_AGAIN, f"Weft database {why}: no new workload on {self._node} until it is back",
                "running workloads are not affected; look at weft-ovsdb on the central members", reason="database",
            ) from None  # fmt: skip

    async def _port(self, request: Request, deadline: float) -> tuple[Port, Subnet]:
        """The pod's port and its subnet, as soon as the controller has written them."""
        await self._need_database()
        started = time.monotonic()
        try:
            found = await self._view.wait_for(lambda: self._match(request), deadline - started)
        except TimeoutError:
            raise self._missing(request) from None
        finally:
            metrics.wait_address.labels(self._node).inc(time.monotonic() - started)
        _need_device(request, found[0])
        return found

    def _find(self, request: Request) -> Port | None:
        return self._view.find_port(request.namespace, request.pod, request.provider, request.ifname)

    def _match(self, request: Request) -> tuple[Port, Subnet] | None:
        port = self._find(request)
        if port is None or (request.uid and port.pod_uid != request.uid):
            return None
        subnet = self._view.rows.subnets.get(port.subnet)
        return (port, subnet) if subnet else None

    def _missing(self, request: Request) -> CniError:
        name, seconds = self._port_name(request), f"{self._settings.add_timeout:g} s"
        port = self._find(request)
        if port is None:
            what = f"Port/{name}: not in the Weft database for host {self._node} within {seconds}"
            reason, hint = (
                "no-port",
                "has the controller given the pod an address? see `weftctl get pod`, and the subnet's status",
            )
            if request.provider != DEFAULT_PROVIDER:
                hint += f"; a subnet has to have the provider {request.provider}, as the network configuration has"
        elif request.uid and port.pod_uid != request.uid:
            what = f"Port/{name}: pod_uid: got {port.pod_uid or 'none'}, expected {request.uid}, after {seconds}"
            reason, hint = "other-pod", "the port is still that of an earlier pod of this name"
        else:
            what = f"Port/{name}: subnet: Subnet/{port.subnet} is not in the Weft database after {seconds}"
            reason, hint = "no-subnet", "see the controller's log"
        return CniError(cni_types.TRY_AGAIN, what, hint, reason=reason)

    def _port_name(self, request: Request) -> str:
        port = self._find(request)
        return port.name if port else request.port

    def _forget_problem(self, request: Request) -> None:
        """It may have been reported before the port's whole name was known."""
        for name in {request.port, self._port_name(request)}:
            self._problems.clear(f"port/{name}")

    # --- the others ---

    async def delete(self, request: Request) -> None:
        if request.pod:
            self._forget_problem(request)
        if request.ipam:
            return  # addresses are the pod's until it is gone, which the controller sees
        self._need_ovs()
        async with self._locks.held(f"container/{request.container}/{request.ifname}"):
            try:
                await self._detach(request)
            except CniError:
                raise
            except Exception as error:
                raise CniError(cni_types.TRY_AGAIN, f"{request.pod_name} {request.ifname}: {error}") from error

    async def _detach(self, request: Request) -> None:
        name = await self._wiring.made_for(request)
        if name is not None:
            async with self._locks.held(f"link/{name}"):
                await self._wiring.detach(request, name)

    async def check(self, request: Request) -> None:
        found = self._match(request)
        if found is None:
            raise CniError(
                cni_types.CHECK_FAILED, f"Port/{self._port_name(request)}: not known on host {self._node} for this pod"
            )
        _need_device(request, found[0])
        if request.ipam:
            _check_addresses(request, found[0], addressing(*found))
            return
        self._need_ovs()
        await self._wiring.check(request, await self._plan(request, *found))

    async def status(self, request: Request) -> None:
        """Whether an ADD would have what it needs."""
        if not self._ovs.ready and not request.ipam:
            raise CniError(
                cni_types.LIMITED, f"Open vSwitch is not available on {self._node}",
                "workloads there may be without network too; look at ovsdb-server and ovs-vswitchd of this host",
            )  # fmt: skip
        if not self._view.trusted:
            raise CniError(
                cni_types.NOT_AVAILABLE, f"the Weft database is not available on {self._node}",
                "running workloads are not affected; look at weft-ovsdb on the central members",
            )  # fmt: skip

    async def collect(self, request: Request) -> None:
        """GC: remove what is wired for attachments that the runtime does not have any more."""
        valid = request.valid
        if request.ipam:
            return
        self._need_ovs()
        for interface in invalid(self._ovs.ours(), request.network, valid):
            async with self._locks.held(f"link/{interface.name}"):
                await self._wiring.collect(interface)

    async def clean(self) -> None:
        """Remove what is left of containers that went without DEL."""

        async def locked(name: str, work: Callable[[], Awaitable[None]]) -> None:
            async with self._locks.held(f"link/{name}"):
                await work()

        if self._ovs.ready:
            await self._wiring.clean(locked, self._settings.leftover_grace)


def _refuse_kept(request: Request, port: Port) -> None:
    """A port has one interface: where the agent keeps a namespace for it, no runtime gets another."""
    if port.netns and not request.container.startswith(cni_types.KEPT):
        raise CniError(
            cni_types.TRY_AGAIN,
            f"Port/{port.name}: netns: the agent keeps the namespace {port.netns} for it, its interface is there",
            "a pod that a runtime starts goes without the annotation weft.ovn/netns",
        )


def _need_device(request: Request, port: Port) -> None:
    """Who makes the interface, and of what: the row and the network configuration have to agree."""
    if (device := device_id(request)) and port.device_type == "veth":
        raise CniError(
            cni_types.INVALID_CONFIG,
            f"runtimeConfig.deviceID: got {device}, but Port/{port.name} has device_type {port.device_type}",
            f"the pod's network is not one of devices: the definition of {request.network!r} needs the annotation "
            "k8s.v1.cni.cncf.io/resourceName when the controller sees the pod",
        )
    if (port.device_type == "none") == request.ipam:
        return
    if request.ipam:
        message, hint = (
            "is called for addresses only",
            "its `type` names another plugin; the port is one of Open vSwitch",
        )
    else:
        message, hint = (
            "is called to make the interface",
            "the port is only for addresses of another plugin's interface",
        )
    raise CniError(
        cni_types.INVALID_CONFIG,
        f"Port/{port.name}: device_type is {port.device_type}, but the plugin {message}",
        f"network configuration {request.network!r}: {hint}; compare its provider {request.provider} with the subnet's",
    )


def _check_addresses(request: Request, port: Port, own: Addressing) -> None:
    """CHECK of an IPAM plugin: what the interface was given is still the pod's."""
    given = {ip["address"] for ip in (request.config.get("prevResult") or {}).get("ips") or []}
    if missing := [text for text in own.texts if text not in given]:
        raise CniError(
            cni_types.CHECK_FAILED,
            f"Port/{port.name}: addresses: {', '.join(missing)} are not on {request.ifname}, which has "
            f"{', '.join(sorted(given)) or 'none'}",
        )
