"""What makes pods and outlives them: kinds of Kubernetes and KubeVirt by which a pod's addresses are kept."""

from __future__ import annotations

from typing import ClassVar

from weft.api.base import KindInfo, Projected, Resource


class Ordinals(Projected):
    """How a StatefulSet numbers its pods."""

    start: int = 0


class StatefulSetSpec(Projected):
    """Which pods a StatefulSet has."""

    replicas: int = 1
    ordinals: Ordinals = Ordinals()


class StatefulSet(Resource):
    """Pods with names that last: `<name>-<ordinal>`."""

    INFO: ClassVar = KindInfo("apps/v1", "StatefulSet", "statefulsets", namespaced=True, short_names=("sts",))
    spec: StatefulSetSpec = StatefulSetSpec()

    def has(self, ordinal: int) -> bool:
        """Whether a pod of this number is wanted."""
        start = self.spec.ordinals.start
        return start <= ordinal < start + self.spec.replicas


class VirtualMachine(Resource):
    """A machine of KubeVirt, which runs in one pod after the other."""

    INFO: ClassVar = KindInfo(
        "kubevirt.io/v1", "VirtualMachine", "virtualmachines", namespaced=True, short_names=("vm",), optional=True
    )
    spec: Projected = Projected()
