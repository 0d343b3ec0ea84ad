"""Network namespaces: running code in one, and making those that the agent keeps.

A thread can be in another network namespace than its process: sockets it opens there stay there. So netlink work is
done by worker threads that enter a namespace, work, and return; nothing is forked. (pyroute2's own way into a
namespace forks a child process for each.)
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_libc = ctypes.CDLL(None, use_errno=True)
_OWN = "/proc/thread-self/ns/net"


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@contextmanager
def entered(path: str) -> Iterator[int]:
    """Be in the namespace at `path` (this thread only); gives a descriptor of the namespace it came from.

    A path that is no namespace raises OSError; for a namespace file whose namespace is gone, setns says EINVAL.
    """
    home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", target, _CLONE_NEWNET)
        finally:
            os.close(target)
        try:
            yield home
        finally:
            _call("setns", home, _CLONE_NEWNET)
    finally:
        os.close(home)


@contextmanager
def fresh() -> Iterator[None]:
    """Be in a new namespace (this thread only) that nobody else knows and that is gone afterwards."""
    home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", _CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", home, _CLONE_NEWNET)
    finally:
        os.close(home)


def create(path: Path) -> None:
    """Make a network namespace that stays, named by the file `path`, exactly as `ip netns add` does."""
    _share(path.parent)
    path.touch(mode=0o444)
    home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", _CLONE_NEWNET)
        try:
            _call("mount", _OWN.encode(), str(path).encode(), b"none", _MS_BIND, None)
        finally:
            _call("setns", home, _CLONE_NEWNET)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(home)


def remove(path: Path) -> None:
    """Unmount and remove; what is not there is no error."""
    if not path.exists():
        return
    if exists(path):
        unmount(path)
    path.unlink(missing_ok=True)


def bind_mount(source: Path, target: Path) -> None:
    """Have the folder `source` at `target` too."""
    _call("mount", str(source).encode(), str(target).encode(), b"none", _MS_BIND, None)


def unmount(path: Path) -> bool:
    """Take away what is mounted at `path`, which may be in use; False if nothing is."""
    try:
        _call("umount2", str(path).encode(), _MNT_DETACH | _UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return False
        raise
    return True


def exists(path: Path) -> bool:
    """Whether a namespace is mounted at `path`: after a reboot the file may be there without one."""
    try:
        return path.stat().st_dev == Path(_OWN).stat().st_dev
    except FileNotFoundError:
        return False


def _share(folder: Path) -> None:
    """Mounts below `folder` shall be seen in every mount namespace (ip-netns(8)); done once per boot."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        _call("mount", b"", str(folder).encode(), b"none", _MS_SHARED | _MS_REC, None)
    except OSError:
        _call("mount", str(folder).encode(), str(folder).encode(), b"none", _MS_BIND | _MS_REC, None)
        _call("mount", b"", str(folder).encode(), b"none", _MS_SHARED | _MS_REC, None)
