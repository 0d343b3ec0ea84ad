"""Workloads without a container runtime: network namespaces that the agent keeps for Ports that name one.

They take the very path of a pod: the agent makes the namespace and executes the CNI plugin, as a runtime would, which
then talks to this agent's socket. What is kept is noted in a file each, before the namespace is made and until it is
removed, so that an agent that died in between, or was stopped while a Port went, knows what is its own. After a reboot
the notes are there, the namespaces are not, and they are made again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from weft.agent import netlink, netns
from weft.agent.cni_types import KEPT
from weft.agent.config import AgentSection
from weft.agent.netlink import Netlink
from weft.agent.ovs import LocalOvs
from weft.agent.problems import Problems
from weft.agent.view import DEFAULT_PROVIDER, Port, Subnet, View, write_atomically
from weft.log import get_logger

_log = get_logger(__name__)
_PARALLEL = 8
_COMMAND_TIMEOUT = 90.0
DEFAULT_INTERFACE = "eth0"


@dataclass(frozen=True, slots=True)
class Note:
    """Which pod a kept namespace is for."""

    name: str
    pod_namespace: str
    pod_name: str
    pod_uid: str
    interface: str
    provider: str = DEFAULT_PROVIDER

    @classmethod
    def of(cls, port: Port) -> Note:
        interface = port.interface or DEFAULT_INTERFACE
        return cls(port.netns, port.pod_namespace, port.pod_name, port.pod_uid, interface, port.provider)

    @property
    def problem(self) -> str:
        return f"netns/{self.name}"

    def environment(self, command: str, path: Path, cni_path: str) -> dict[str, str]:
        """The plugin's environment, as a runtime would set it."""
        arguments = {
            "IgnoreUnknown": "1", "K8S_POD_NAMESPACE": self.pod_namespace, "K8S_POD_NAME": self.pod_name,
            "K8S_POD_UID": self.pod_uid,
        }  # fmt: skip
        return {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": f"{KEPT}{self.name}",
            "CNI_NETNS": str(path),
            "CNI_IFNAME": self.interface,
            "CNI_PATH": cni_path,
            "CNI_ARGS": ";".join(f"{key}={value}" for key, value in arguments.items()),
        }


Place = tuple[tuple[str, ...], ...]
"""A port's MAC and addresses, and its subnet's gateways: with others its interface is made anew."""
Step = tuple[Literal["keep", "remove", "replace"], Note, Note | None]


def plan(wanted: Mapping[str, Note], noted: Mapping[str, Note]) -> list[Step]:
    """What to do with each namespace: (verb, the note to act on, with "replace" the one that was)."""
    steps: list[Step] = [("remove", note, None) for name, note in noted.items() if name not in wanted]
    for name, note in wanted.items():
        before = noted.get(name)
        steps.append(("replace", note, before) if before and before != note else ("keep", note, None))
    return steps


def place(port: Port, subnet: Subnet | None) -> Place:
    """See `Place`."""
    return (port.mac,), tuple(port.addresses), tuple(subnet.gateways) if subnet else ()


class Namespaces:
    """The duty that keeps the namespaces of the view, several at once."""

    def __init__(self, settings: AgentSection, view: View, ovs: LocalOvs, links: Netlink, problems: Problems) -> None:
        self._settings = settings
        self._view = view
        self._ovs = ovs
        self._netlink = links
        self._problems = problems
        self._folder = settings.state_dir / "netns"
        self._checked: dict[Note, Place] = {}
        """What was found right or made, and with which addresses."""
        self._places: dict[str, Place] = {}
        self._slots = asyncio.Semaphore(_PARALLEL)

    async def reconcile(self) -> None:
        """Have the namespaces of the view and no other of ours. Raises when one failed, to be tried again."""
        if not self._ovs.ready:
            return
        rows = self._view.rows
        kept = {port.netns: port for port in rows.ports.values() if port.netns}
        wanted = {name: Note.of(port) for name, port in kept.items()}
        self._places = {name: place(port, rows.subnets.get(port.subnet)) for name, port in kept.items()}
        steps = plan(wanted, self._notes())
        results = await asyncio.gather(*(self._step(*step) for step in steps), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            raise RuntimeError(f"{len(failed)} of {len(steps)} namespaces: {failed[0]}")

    async def _step(self, verb: str, note: Note, before: Note | None) -> None:
        try:
            async with self._slots:
                if verb == "remove":
                    await self._remove(note)
                elif before is not None:
                    await self._remove(before)
                    await self._keep(note)
                else:
                    await self._keep(note)
        except Exception as error:
            self._problems.report(note.problem, str(error))
            raise
        self._problems.clear(note.problem)

    async def _keep(self, note: Note) -> None:
        """Have the namespace and its interface. One that was found right is not looked at again."""
        path, due = self._path(note.name), self._places.get(note.name, ())
        if self._checked.get(note) == due and netns.exists(path):
            return
        if netns.exists(path) and await self._is_right(note):
            self._checked[note] = due
            return
        self._checked.pop(note, None)
        self._write(note)
        if not netns.exists(path):
            await self._netlink.run(netns.create, path)
            await self._netlink.run(netlink.in_namespace, str(path), netlink.raise_loopback)
        await self._execute("ADD", note)
        self._checked[note] = due
        _log.info("namespace attached", netns=note.name, pod=f"{note.pod_namespace}/{note.pod_name}")

    async def _is_right(self, note: Note) -> bool:
        try:
            await self._execute("CHECK", note)
        except PluginError as error:
            _log.info("namespace is not as it shall be", netns=note.name, why=error)
            return False
        return True

    async def _remove(self, note: Note) -> None:
        self._checked.pop(note, None)
        await self._execute("DEL", note)
        await self._netlink.run(netns.remove, self._path(note.name))
        (self._folder / f"{note.name}.json").unlink(missing_ok=True)
        _log.info("namespace removed", netns=note.name, pod=f"{note.pod_namespace}/{note.pod_name}")

    async def _execute(self, command: str, note: Note) -> None:
        """Run the plugin as a runtime does."""
        config = {
            "cniVersion": "1.0.0", "name": "weft", "type": "weft", "weft_socket": str(self._settings.socket),
            "provider": note.provider,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            self._settings.cni_bin,
            env=note.environment(command, self._path(note.name), str(self._settings.cni_bin.parent)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_COMMAND_TIMEOUT):
                output, errors = await process.communicate(json.dumps(config).encode())
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise PluginError(_message(output) or errors.decode(errors="replace").strip())

    # --- notes ---

    def _path(self, name: str) -> Path:
        return self._settings.netns_dir / name

    def _write(self, note: Note) -> None:
        write_atomically(self._folder / f"{note.name}.json", json.dumps(asdict(note)))

    def _notes(self) -> dict[str, Note]:
        notes = {}
        for path in self._folder.glob("*.json"):
            try:
                notes[path.stem] = Note(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError) as error:
                _log.error("note of a namespace cannot be read, it is left alone", path=path, error=error)
        return notes


class PluginError(Exception):
    """The plugin said no."""


def _message(output: bytes) -> str:
    try:
        document: dict[str, Any] = json.loads(output)
    except ValueError:
        return output.decode(errors="replace").strip()
    return f"{document.get('msg', '')} {document.get('details', '')}".strip()
