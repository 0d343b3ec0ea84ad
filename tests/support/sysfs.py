"""A tree like /sys of a NIC in switchdev mode, as the kernel lays it out, with links where it has links."""

from __future__ import annotations

from pathlib import Path

PF = "0000:03:00.0"


class FakeSysfs:
    """One physical function `uplink` at `PF`; functions are added. Names of netdevs may be those of real ones."""

    def __init__(self, root: Path, uplink: str = "p0", switch: str = "e8b5d3", port: str = "p0") -> None:
        self.root = root
        self.switch = switch
        self._pci = root / "devices/pci0000:00/0000:00:01.0"
        self.netdev(uplink, self._pci / PF, port)
        self._bus(PF)

    def function(self, number: int, representor: str = "", netdev: str = "", driver: str = "mlx5_core") -> str:
        """A virtual function; gives its PCI address. The representor stands beside the uplink, as mlx5 has it."""
        pci = f"0000:03:00.{number + 2}"
        device = self._pci / pci
        device.mkdir(parents=True)
        (device / "physfn").symlink_to(f"../{PF}")
        (self._pci / PF / f"virtfn{number}").symlink_to(f"../{pci}")
        (self.root / "bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
        (device / "driver").symlink_to(self.root / "bus/pci/drivers" / driver)
        self._bus(pci)
        if representor:
            self.netdev(representor, self._pci / PF, f"pf0vf{number}")
        if netdev:
            self.netdev(netdev, device, "", switch="")
        return pci

    def netdev(self, name: str, device: Path, port: str, switch: str | None = None) -> None:
        folder = device / "net" / name
        folder.mkdir(parents=True)
        switch = self.switch if switch is None else switch
        for attribute, text in (("phys_port_name", port), ("phys_switch_id", switch)):
            if text:
                (folder / attribute).write_text(text + "\n")
        classes = self.root / "class/net"
        classes.mkdir(parents=True, exist_ok=True)
        (classes / name).symlink_to(folder)

    def vdpa(self, pci: str, character: str = "", netdev: str = "", name: str = "vdpa0") -> None:
        """A vDPA device of a function, under an auxiliary device as mlx5 has it."""
        device = self._pci / pci / f"mlx5_core.vnet.0/{name}"
        device.mkdir(parents=True)
        bus = self.root / "bus/vdpa/devices"
        bus.mkdir(parents=True, exist_ok=True)
        (bus / name).symlink_to(device)
        if character:
            (device / character).mkdir()
        if netdev:
            (self._pci / pci / "virtio2/net" / netdev).mkdir(parents=True)

    def _bus(self, pci: str) -> None:
        devices = self.root / "bus/pci/devices"
        devices.mkdir(parents=True, exist_ok=True)
        (self._pci / pci).mkdir(parents=True, exist_ok=True)
        (devices / pci).symlink_to(self._pci / pci)
