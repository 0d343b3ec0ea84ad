"""Which process is a guest's, and what it starts from: nobody else's process is ended, Linux reads the archive."""

from __future__ import annotations

import importlib.util
import lzma
import struct
from pathlib import Path
from types import ModuleType

import pytest

from plugins.modules.lab_guest import is_machine

SCRIPT = Path(__file__).resolve().parents[2] / "roles/lab/guest/kernel_image.py"
PID_FILE = "/cache/guests/metal1/pid"


@pytest.fixture(scope="module")
def kernel_image() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kernel_image", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (["qemu", "-pidfile", PID_FILE, "-daemonize"], True),
        (["ld.so", "--argv0", "qemu", "qemu", "-m", "1", "-pidfile", PID_FILE], True),
        (["qemu", "-pidfile", "/cache/guests/metal2/pid"], False),
        (["vim", PID_FILE], False),
        (["qemu", "-pidfile"], False),
        ([], False),
    ],
)
def test_only_a_process_that_keeps_its_number_there_is_the_guests(words: list[str], ours: bool) -> None:
    assert is_machine("\0".join(words).encode(), PID_FILE) is ours


def test_the_kernel_is_found_in_its_image(kernel_image: ModuleType) -> None:
    payload = lzma.compress(b"\x7fELF kernel") + struct.pack("<I", 11)
    image = bytearray(1024 + 64 + len(payload))
    image[0x1F1] = 1
    struct.pack_into("<II", image, 0x248, 64, len(payload))
    image[1024 + 64 :] = payload
    assert kernel_image.unpack(bytes(image)) == b"\x7fELF kernel"


def test_a_kernel_of_unknown_compression_is_refused(kernel_image: ModuleType) -> None:
    with pytest.raises(SystemExit, match="neither xz nor zstd"):
        kernel_image.unpack(bytes(2048))


def test_files_of_the_archive_start_at_multiples_of_four(kernel_image: ModuleType, tmp_path: Path) -> None:
    for name in ("busybox", "init", "ext4.ko"):
        (tmp_path / name).write_bytes(b"x" * 5)
    made = kernel_image.archive(tmp_path / "busybox", tmp_path / "init", [tmp_path / "ext4.ko"])
    assert len(made) % 4 == 0
    starts = [index for index in range(0, len(made), 4) if made[index : index + 6] == b"070701"]
    assert len(starts) == made.count(b"070701") == len(kernel_image.DIRECTORIES) + 4
    assert b"modules/00-ext4.ko\0" in made
