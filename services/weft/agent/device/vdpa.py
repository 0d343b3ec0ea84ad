"""A virtual function used through vDPA: its representor in Open vSwitch, its queues in a machine or in virtio-net.

With the driver vhost_vdpa a character device is there for the machine, which the result names; with virtio_vdpa a
netdev, which the pod gets as it would get the function's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.agent.cni_capabilities import device_id
from weft.agent.cni_types import WIRING_FAILED, CniError
from weft.agent.device.base import Job
from weft.agent.device.function import VirtualFunction


class Vdpa(VirtualFunction):
    """See `device.base.Device`."""

    kind = "vdpa"

    def make(self, job: Job) -> str:
        pci = device_id(job.request)
        if self._sysfs.vdpa(pci) is None:
            raise CniError(
                WIRING_FAILED, f"device {pci}: has no vDPA device", f"vdpa dev add name NAME mgmtdev pci/{pci}"
            )
        return super().make(job)

    def result(self, job: Job) -> Mapping[str, Any]:
        device = self._sysfs.vdpa(device_id(job.request))
        path = {"socketPath": device.path} if device and device.path else {}
        return {**super().result(job), **path}

    def _home(self, pci: str) -> str:
        device = self._sysfs.vdpa(pci) if pci else None
        return device.netdev if device else ""
