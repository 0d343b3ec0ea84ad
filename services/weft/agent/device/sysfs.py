"""SR-IOV functions, their representors and vDPA devices, as the kernel shows them in sysfs.

A NIC whose embedded switch is in switchdev mode has a representor for each virtual function: a netdev whose
`phys_switch_id` is that of the physical function and whose `phys_port_name` is `pf<P>vf<V>`, older drivers say `<V>`
(Documentation/networking/switchdev.rst). Reading only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from weft.agent.cni_types import INVALID_CONFIG, WIRING_FAILED, CniError

_VF_PORT: Final = re.compile(r"(?:c\d+)?pf(?P<pf>\d+)vf(?P<vf>\d+)|(?P<old>\d+)")
_PF_PORT: Final = re.compile(r"p(\d+)")


@dataclass(frozen=True, slots=True)
class Function:
    """A virtual function. `number` is its place among those of `uplink`, the physical function's netdev."""

    pci: str
    number: int
    uplink: str
    representor: str
    driver: str


@dataclass(frozen=True, slots=True)
class Vdpa:
    """A vDPA device: `path` is its character device where vhost_vdpa has it, `netdev` where virtio_vdpa has."""

    name: str
    path: str = ""
    netdev: str = ""


class Sysfs:
    """The tree mounted at `root`."""

    def __init__(self, root: Path) -> None:
        self._devices = root / "bus/pci/devices"
        self._vdpa = root / "bus/vdpa/devices"
        self._net = root / "class/net"

    def function(self, pci: str) -> Function:
        """The virtual function at a PCI address. Raises CniError."""
        device = self._devices / pci
        if not device.exists():
            raise CniError(INVALID_CONFIG, f"deviceID: got {pci}, which this host has not", "see `lspci -D`")
        parent = device / "physfn"
        if not parent.exists():
            raise CniError(INVALID_CONFIG, f"deviceID: got {pci}, which is no virtual function", f"see {device}")
        number = self._number(parent, pci)
        uplink, switch = self._uplink(parent)
        representor = self._representor(switch, _number_of(_PF_PORT, self._read(uplink, "phys_port_name")), number)
        if not representor:
            raise CniError(
                WIRING_FAILED, f"device {pci}: function {number} of {uplink} has no representor",
                f"it is named by the driver when the function is made: see phys_port_name below {self._net}",
            )  # fmt: skip
        return Function(pci, number, uplink, representor, _target(device / "driver"))

    def netdev(self, pci: str) -> str:
        """The function's netdev in this host's namespace, "" when it is elsewhere or a driver without has it."""
        return _first(self._devices / pci / "net")

    def vdpa(self, pci: str) -> Vdpa | None:
        """The vDPA device made of the function: it has the name that `vdpa dev add` gave it."""
        device = (self._devices / pci).resolve()
        found = next((path for path in sorted(self._vdpa.glob("*")) if device in path.resolve().parents), None)
        # A device's own, and where something else does its DMA, as the function does for hardware, that one's.
        return _vdpa(found, found, device) if found else None

    def vdpa_named(self, name: str) -> Vdpa | None:
        """The vDPA device of that name."""
        found = self._vdpa / name
        return _vdpa(found, found) if found.exists() else None

    def index(self, netdev: str) -> int:
        """The number that the kernel has for a netdev of this host's."""
        return int((self._net / netdev / "ifindex").read_text())

    @staticmethod
    def _number(parent: Path, pci: str) -> int:
        for link in parent.glob("virtfn*"):
            if _target(link) == pci:
                return int(link.name.removeprefix("virtfn"))
        raise CniError(WIRING_FAILED, f"device {pci}: is not among the functions of {parent.resolve().name}")

    def _uplink(self, parent: Path) -> tuple[str, str]:
        """(netdev, switch) of a physical function; its representors may stand in the same folder."""
        names = sorted(path.name for path in parent.glob("net/*"))
        for name in names:
            switch = self._read(name, "phys_switch_id")
            if switch and not _VF_PORT.fullmatch(self._read(name, "phys_port_name")):
                return name, switch
        address = parent.resolve().name
        raise CniError(
            WIRING_FAILED, f"device {address}: {names[0] if names else 'it'} is not in switchdev mode",
            f"devlink dev eswitch set pci/{address} mode switchdev; only then functions have representors",
        )  # fmt: skip

    def _representor(self, switch: str, pf: int | None, number: int) -> str:
        for path in sorted(self._net.glob("*")):
            match = _VF_PORT.fullmatch(self._read(path.name, "phys_port_name"))
            if match is None or self._read(path.name, "phys_switch_id") != switch:
                continue
            same_pf = match["old"] is not None or pf is None or int(match["pf"]) == pf
            if same_pf and int(match["old"] or match["vf"]) == number:
                return path.name
        return ""

    def _read(self, netdev: str, name: str) -> str:
        """An attribute; drivers without it answer an error."""
        try:
            return (self._net / netdev / name).read_text(encoding="ascii").strip()
        except OSError:
            return ""


def _vdpa(found: Path, *places: Path) -> Vdpa:
    """What a driver has made of the device at `found`; a netdev is below one of `places`."""
    character = _first(found, "vhost-vdpa-*")
    netdevs = (_first(path / "net") for place in places for path in sorted(place.glob("virtio*")))
    return Vdpa(found.name, f"/dev/{character}" if character else "", next(netdevs, ""))


def _number_of(form: re.Pattern[str], text: str) -> int | None:
    match = form.fullmatch(text)
    return int(match[1]) if match else None


def _target(link: Path) -> str:
    return link.resolve().name if link.exists() else ""


def _first(folder: Path, form: str = "*") -> str:
    return next((path.name for path in sorted(folder.glob(form))), "")
