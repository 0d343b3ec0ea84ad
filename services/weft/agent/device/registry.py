"""Which device is which `device_type`, and who made an Interface that is there."""

from __future__ import annotations

from collections.abc import Mapping

from weft.agent.cni_types import INVALID_CONFIG, CniError, Request
from weft.agent.config import AgentSection
from weft.agent.device.base import Device, named_by_us
from weft.agent.device.function import VirtualFunction
from weft.agent.device.sysfs import Sysfs
from weft.agent.device.vdpa import Vdpa
from weft.agent.device.vduse import Vduse, left_by
from weft.agent.device.veth import Veth
from weft.agent.device.vhostuser import VhostUser
from weft.agent.view import Port


class Devices:
    """All of them, by `device_type`."""

    def __init__(self, settings: AgentSection) -> None:
        self._sysfs = sysfs = Sysfs(settings.sysfs)
        self._devices: Mapping[str, Device] = {
            "veth": Veth(),
            "vf": VirtualFunction(sysfs),
            "vdpa": Vdpa(sysfs),
            "vhostuser": VhostUser(settings.vhost_dir, settings.kubelet_dir),
            "vduse": Vduse(sysfs),
        }

    def of(self, port: Port) -> Device:
        """The device of a port. Raises CniError."""
        device = self._devices.get(port.device_type)
        if device is None:
            raise CniError(
                INVALID_CONFIG, f"Port/{port.name}: device_type: got {port.device_type!r}, this agent knows "
                f"{', '.join(self._devices)}", "is the controller newer than this host's agent?",
            )  # fmt: skip
        return device

    def behind(self, name: str, ids: Mapping[str, str]) -> Device:
        """The device that made the Interface `name`: noted in its external_ids, else told by its name."""
        return self._devices[ids.get("device") or self._told(name)]

    def left_by(self, request: Request) -> str | None:
        """The name of what an attachment has yet of a device that no link on the host tells of."""
        return left_by(request)

    def _told(self, name: str) -> str:
        if not named_by_us(name):
            return "vf"
        return "vduse" if self._sysfs.vdpa_named(name) else "veth"
