"""The kernel's vDPA bus: devices made and removed as `vdpa dev add` and `vdpa dev del` do, and VDUSE's own control.

The requests are those of linux/vdpa.h, over generic netlink, and of linux/vduse.h. All is the host's, whichever network
namespace the thread is in.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from weft.agent import rtnl
from weft.agent.rtnl_read import attributes

VDUSE: Final = "vduse"
"""The management device that makes vDPA devices of VDUSE's."""

_GENERIC: Final = 16
_GENERIC_HEADER: Final = struct.Struct("=BBxx")
_CONTROLLER, _GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 3, 1, 2
_VERSION, _DEV_NEW, _DEV_DEL = 1, 3, 4
_MANAGEMENT_NAME, _DEVICE_NAME = 2, 4
_DESTROY: Final = 0x41008103  # _IOW(0x81, 0x03, char[256])
_ABSENT: Final = frozenset({errno.ENODEV, errno.EOPNOTSUPP})


def add(name: str) -> None:
    """A vDPA device of the VDUSE device of that name, which whatever driver there is takes at once."""
    _request(f"vDPA device {name}", _DEV_NEW, _text(_MANAGEMENT_NAME, VDUSE) + _text(_DEVICE_NAME, name))


def delete(name: str) -> None:
    """Remove it, and so its netdev wherever that is; one that is not there is no error."""
    try:
        _request(f"removal of vDPA device {name}", _DEV_DEL, _text(_DEVICE_NAME, name))
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def destroy(name: str, folder: Path) -> None:
    """Have no VDUSE device of that name, unless a program has it open: that one will see to it."""
    with suppress(OSError), (folder / "control").open("r+b", buffering=0) as control:
        fcntl.ioctl(control, _DESTROY, name.encode().ljust(256, b"\0"))


def _request(what: str, command: int, body: bytes) -> None:
    with rtnl.Rtnl(_GENERIC) as channel:
        header = _GENERIC_HEADER.pack(command, _VERSION)
        channel.send([rtnl.message(what, _family(channel, "vdpa"), 0, header + body)])


def _family(channel: rtnl.Rtnl, name: str) -> int:
    """The number that generic netlink has given to a family."""
    question = _GENERIC_HEADER.pack(_GET_FAMILY, _VERSION) + _text(_FAMILY_NAME, name)
    try:
        answer = next(channel.ask(_CONTROLLER, question, dump=False))
    except FileNotFoundError as error:
        raise OSError(errno.EOPNOTSUPP, f"no module of this host's kernel has {name}") from error
    return int(struct.unpack("=H", attributes(answer, _GENERIC_HEADER.size)[_FAMILY_ID])[0])


def _text(kind: int, text: str) -> bytes:
    return rtnl.attribute(kind, text.encode() + b"\0")
