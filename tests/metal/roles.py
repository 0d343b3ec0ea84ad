"""What tests of roles on bare guests do alike: run a part of the role, and start a guest again or anew."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.metal.conftest import BRING_UP_TIMEOUT, DIRECTORY, Guest, metal_play
from tests.support.play import Play


def play_role(
    folder: Path,
    role: str,
    tasks: str,
    guest: str,
    *arguments: str,
    variables: dict[str, Any],
    facts: bool = False,
    timeout: float = 1200,
) -> Play:
    """Run a role's part, such as `main` or `remove`, on a guest, by a playbook that is written into `folder`."""
    path = folder / f"{tasks}.yml"
    path.write_text(
        f"- hosts: lab\n  gather_facts: {str(facts).lower()}\n  gather_subset: [min]\n  serial: 1\n  tasks:\n"
        f"    - ansible.builtin.import_role: {{name: weft.ovn.{role}, tasks_from: {tasks}}}\n"
    )
    return metal_play(path, "--limit", guest, *arguments, variables=variables, timeout=timeout)


def reboot(guest: Guest, eventually: Callable[..., None], *, sign: str, within: float = 600) -> None:
    """Start a guest again by its own hand, and wait until the command `sign` succeeds on it."""
    before = guest.run("cat /proc/sys/kernel/random/boot_id").stdout
    guest.run("systemd-run --on-active=1 systemctl reboot")

    def rebooted() -> bool:
        try:
            said = guest.run(f"cat /proc/sys/kernel/random/boot_id; {sign}", check=False)
        except subprocess.TimeoutExpired:
            return False
        return said.ok and before not in said.stdout

    eventually(rebooted, within=within, what=f"{guest.name} has started again: {sign}")


def start_again(guest: Guest, eventually: Callable[..., None], **how: object) -> None:
    """With another processor or another way to boot, which count when QEMU is started."""
    _halt(guest, eventually)
    limit = f"{guest.name},localhost"
    metal_play("playbooks/lab_create.yml", "--limit", limit, variables=dict(how), timeout=BRING_UP_TIMEOUT).succeeded()


def start_as_new(guest: Guest, eventually: Callable[..., None], folder: Path) -> None:
    """From the image, without what was written to its disk."""
    _halt(guest, eventually)
    path, directory = folder / "absent.yml", DIRECTORY / "guests" / guest.name
    path.write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        f"    - weft.ovn.lab_guest: {{directory: {directory}, state: absent}}\n"
    )
    metal_play(path).succeeded()
    start_again(guest, eventually)


def _halt(guest: Guest, eventually: Callable[..., None]) -> None:
    if guest.runs:
        guest.run("systemctl poweroff", check=False)
        eventually(lambda: not guest.runs, within=120, what=f"{guest.name} has ended")
