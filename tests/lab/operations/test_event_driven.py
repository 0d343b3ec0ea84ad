"""A member of the databases dies with its disk, and ansible-rulebook replaces it: nobody types anything."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from tests.lab.conftest import CHECKOUT, LAB, SWITCH, Lab
from tests.lab.operations.conftest import Pair, well
from tests.lab.operations.test_databases import MEMBER, lose

Eventually = Callable[..., None]
CACHE = Path(os.environ.get("WEFT_CACHE", "~/.cache/weft")).expanduser()


def ssh_options() -> list[str]:
    """What the lab's inventory says in its own words."""
    folder = CACHE / (f"labs/{LAB}" if LAB else "lab") / "ssh"
    options = {"UserKnownHostsFile": folder / "known_hosts", "ProxyCommand": f"ip netns exec {SWITCH} nc %h %p"}
    return ["-i", str(folder / "lab"), *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]


@contextlib.contextmanager
def rulebook(folder: Path) -> Iterator[Path]:
    """ansible-rulebook with the collection's rulebook, and the file of what it prints. Its first host is not there."""
    given = {
        "weft_hosts": ["root@172.30.0.99", "root@172.30.0.11"],
        "weft_ssh_options": ssh_options(),
        "weft_patience": 5,
    }
    (folder / "vars.yml").write_text(yaml.safe_dump(given))
    said = folder / "rulebook.log"
    command = [
        str(Path(sys.executable).with_name("ansible-rulebook")),
        "--rulebook",
        "weft.ovn.fabric",
        "--print-events",
    ]
    command += ["--print-events", "--inventory", "inventories/lab", "--vars", str(folder / "vars.yml")]
    collections = {"ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible/collections")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **collections, "PATH": path, "ANSIBLE_NOCOLOR": "1"}
    with said.open("w") as output:
        running = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield said
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
            running.wait(60)


def plays() -> bool:
    """Whether the playbook runs. It is nobody's child and in a session of its own, so it would outlive the rulebook."""
    command = ["pgrep", "--full", "[w]eft.ovn.replace_database_member"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_member_that_dies_is_replaced(healthy: Lab, pair: Pair, eventually: Eventually, tmp_path: Path) -> None:
    with rulebook(tmp_path) as said, pair.traffic(most=2):
        eventually(lambda: "watching" in said.read_text(), within=60, what=f"it listens: {said}")
        lose(healthy, MEMBER)
        assert not well(healthy)
        try:
            eventually(lambda: well(healthy), within=180, what="the member is back")
        except AssertionError as error:
            raise AssertionError(said.read_text()[-6000:]) from error
        eventually(lambda: not plays(), within=120, what="the playbook has ended by itself")
