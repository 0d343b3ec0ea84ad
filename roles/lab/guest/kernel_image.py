"""What a machine needs to start a kernel directly: the kernel uncompressed, an archive with the drivers of its disk.

An emulated processor unpacks Debian's kernel and initrd for half a minute, the real one here in a second.

Usage: python3 kernel_image.py vmlinux VMLINUZ OUTPUT           the ELF image inside a bzImage
       python3 kernel_image.py initrd BUSYBOX INIT OUTPUT MODULE...   a cpio archive; modules are loaded in this order
"""

from __future__ import annotations

import lzma
import stat
import struct
import subprocess
import sys
from pathlib import Path

ELF = b"\x7fELF"
DIRECTORIES = ("bin", "dev", "modules", "proc", "root")


def unpack(data: bytes) -> bytes:
    """The kernel in a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length)."""
    sectors = data[0x1F1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = data[start : start + length]
    if payload.startswith(b"\xfd7zXZ\x00"):
        # What follows the stream is its size.
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        # The payload ends with its size, which is no part of the frame.
        return subprocess.run(["zstd", "-dcq"], input=payload[:-4], capture_output=True, check=True).stdout
    raise SystemExit(f"kernel_image.py: neither xz nor zstd: the payload begins with {payload[:6].hex()}")


def entry(name: str, mode: int, content: bytes = b"") -> bytes:
    """A file or directory of a cpio archive, format `newc` (driver-api/early-userspace/buffer-format.rst)."""
    encoded = name.encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded
    return padded(header) + padded(content)


def padded(data: bytes) -> bytes:
    """Filled up to a multiple of four bytes."""
    return data + b"\0" * (-len(data) % 4)


def archive(busybox: Path, init: Path, modules: list[Path]) -> bytes:
    """The initrd: `init` runs by busybox and loads the modules in their order."""
    parts = [entry(name, stat.S_IFDIR | 0o755) for name in DIRECTORIES]
    parts.append(entry("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()))
    parts.append(entry("init", stat.S_IFREG | 0o755, b"#!/bin/busybox sh\n" + init.read_bytes()))
    for number, module in enumerate(modules):
        parts.append(entry(f"modules/{number:02}-{module.name}", stat.S_IFREG | 0o644, module.read_bytes()))
    return b"".join(parts) + entry("TRAILER!!!", 0)


def main() -> None:
    """Do what the command line says."""
    match sys.argv[1:]:
        case ["vmlinux", vmlinuz, output]:
            kernel = unpack(Path(vmlinuz).read_bytes())
            if not kernel.startswith(ELF):
                raise SystemExit(f"kernel_image.py: no kernel in {vmlinuz}")
            Path(output).write_bytes(kernel)
        case ["initrd", busybox, init, output, *modules]:
            Path(output).write_bytes(archive(Path(busybox), Path(init), [Path(module) for module in modules]))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
