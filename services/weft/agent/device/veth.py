"""A veth pair: works on every kernel and datapath, survives a restart of Open vSwitch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.agent import netlink
from weft.agent.cni_types import Request
from weft.agent.device.base import Job, Plug, host_interface, pod_faults
from weft.agent.view import Port


class Veth:
    """See `device.base.Device`."""

    asks = False
    follows_switch = False

    def place(self, request: Request, port: Port) -> str:  # noqa: ARG002 - another device needs it
        return host_interface(port.name)

    def plug(self, job: Job) -> Plug:  # noqa: ARG002
        return Plug()

    def make(self, job: Job) -> str:
        """One of that name that an interrupted ADD left is replaced."""
        name = job.wanted.host_interface
        try:
            return netlink.make_pod_veth(name, job.alias, job.pod_end)
        except FileExistsError:
            netlink.delete_link(name)
            return netlink.make_pod_veth(name, job.alias, job.pod_end)

    def configure(self, job: Job) -> None:
        netlink.configure_pod_end(job.pod_end)

    def in_pod(self, job: Job) -> bool:  # noqa: ARG002
        return True

    def faults(self, job: Job) -> list[str]:
        name = job.wanted.host_interface
        return pod_faults(job) if netlink.link(name) else [f"{name} is not on the host"]

    def result(self, job: Job) -> Mapping[str, Any]:  # noqa: ARG002
        return {}

    def remove(self, name: str, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        netlink.delete_link(name)
