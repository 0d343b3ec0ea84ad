"""A vhost-user socket for a machine or a DPDK program in the pod (Kube-OVN 1.15 manual, section 7.20).

The pod's side listens, Open vSwitch connects: so either may restart. The socket is in a volume of the pod, an emptyDir
that the network configuration names as `vhost_user_socket_volume_name`; a workload without kubelet finds a folder of
the agent's. kubelet's path is longer than a socket's may be, so the volume is also mounted where a short path leads, by
a mount and not a link: Open vSwitch need not be root, and may not pass kubelet's folders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from weft.agent import netns
from weft.agent.cni_types import INVALID_CONFIG, TRY_AGAIN, CniError, Request
from weft.agent.device.base import Job, Plug, host_interface
from weft.agent.view import Port

TYPE: Final = "dpdkvhostuserclient"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LONGEST: Final = 107
_FOLDER_MODE: Final = 0o770


class VhostUser:
    """See `device.base.Device`. `base` is the folder of the short paths."""

    asks = False
    follows_switch = False

    def __init__(self, base: Path, kubelet: Path) -> None:
        self._base = base
        self._kubelet = kubelet

    def place(self, request: Request, port: Port) -> str:  # noqa: ARG002
        return host_interface(port.name)

    def plug(self, job: Job) -> Plug:
        return Plug(TYPE, {"vhost-server-path": str(self._socket(job))}, {"device": "vhostuser"})

    def make(self, job: Job) -> str:
        """The folder, with the pod's volume in it if it has one. There is no host's end that has a MAC."""
        path = self._socket(job)
        if len(str(path)) > _LONGEST:
            raise CniError(
                INVALID_CONFIG, f"vhost_user_socket_name: {path} has more than {_LONGEST} characters",
                "a socket's path may not be longer; choose a shorter name, or a shorter agent.vhost_dir",
            )  # fmt: skip
        volume = self._volume(job)
        self.remove(job.wanted.host_interface, {})
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if volume is None:
            path.parent.chmod(_FOLDER_MODE)
        else:
            netns.bind_mount(volume, path.parent)
        return ""

    def configure(self, job: Job) -> None:
        """What is behind the socket has its addresses from elsewhere."""

    def in_pod(self, job: Job) -> bool:  # noqa: ARG002
        return False

    def faults(self, job: Job) -> list[str]:
        folder, volume = self._socket(job).parent, self._volume(job)
        there = folder.is_dir() and (volume is None or folder.samefile(volume))
        return [] if there else [f"{folder} is not there"]

    def result(self, job: Job) -> Mapping[str, Any]:
        return {"socketPath": str(self._socket(job))}

    def remove(self, name: str, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        folder = self._base / name
        while netns.unmount(folder):
            pass  # what is below is not a volume of a pod any more
        if folder.is_dir():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def _socket(self, job: Job) -> Path:
        return self._base / job.wanted.host_interface / _name(job.request, "vhost_user_socket_name", "sock")

    def _volume(self, job: Job) -> Path | None:
        """The pod's volume as kubelet has it on the host."""
        name = _name(job.request, "vhost_user_socket_volume_name", "")
        if not name:
            return None
        uid = job.wanted.port.pod_uid
        path = self._kubelet / "pods" / uid / "volumes/kubernetes.io~empty-dir" / name
        if not _NAME.fullmatch(uid) or not path.is_dir():
            raise CniError(
                TRY_AGAIN, f"vhost_user_socket_volume_name: got {name!r}, but {path} is not there",
                "the pod needs an emptyDir of that name; is agent.kubelet_dir that of this host's kubelet?",
            )  # fmt: skip
        return path


def _name(request: Request, field: str, default: str) -> str:
    """A name from the network configuration that becomes part of a path."""
    name = request.config.get(field) or default
    if name and (not isinstance(name, str) or not _NAME.fullmatch(name)):
        raise CniError(INVALID_CONFIG, f"{field}: got {name!r}, allowed are letters, digits and _.- (63 at most)")
    return str(name)
