"""What the operator of a fabric chose for all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Named after Kube-OVN's flags."""

    primary: bool = True
    """Whether a pod's default network is ours. If not (another plugin's is), pods have our further networks only."""
    keep_vm_ip: bool = True
    """Whether a virtual machine keeps its addresses while none of its pods runs."""
