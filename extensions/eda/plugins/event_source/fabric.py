# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of a Weft fabric for ansible-rulebook: what `weftctl events` tells, on whichever host can tell it."""

from __future__ import annotations

import asyncio
import json
import logging
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

DOCUMENTATION = r"""
---
name: fabric
short_description: Events of a Weft fabric
description:
  - Runs C(weftctl events) on a host of the fabric and passes on what it tells. When that host does not answer any more,
    the next one is asked; what holds then is told again.
  - An event has C(type), C(state) (V(began), V(ended), or V(changed)), C(about), C(message) and C(time).
  - Types are C(database_member_lost) (with C(database), C(member), C(address), C(host)), C(database_quorum_lost),
    C(database_leader_changed), C(controller_changed), C(gateway_changed) (with C(before), C(after)), C(host_lost),
    C(host_not_ready), C(certificate_ending) (with C(host), C(expires)), C(addresses_low) (with C(kind), C(name),
    C(family), C(used), C(available)), C(alarm), and first of all C(watching).
options:
  hosts:
    description: Where weftctl runs, as destinations of ssh(1), in the order in which they are tried. Without, here.
    type: list
    default: []
  ssh_options:
    description: Further arguments of ssh, as C([-i, /path/of/key]).
    type: list
    default: []
  command:
    description: The program with its own options, as C([weftctl, --config, /path]).
    type: list
    default: [weftctl]
  interval:
    description: Seconds between two looks at the fabric.
    type: float
    default: 5
  hold:
    description: Seconds for which a condition must have held before it is told.
    type: float
    default: 10
  free:
    description: Percent of a subnet's or pool's addresses that are left, at which these are few.
    type: float
    default: 10
  certificate_days:
    description: Days before a certificate's end from when on it is told.
    type: float
    default: 14
"""
EXAMPLES = r"""
- weft.ovn.fabric:
    hosts: [root@192.0.2.11, root@192.0.2.12, root@192.0.2.13]
    hold: 300
"""

OPTIONS: Mapping[str, Mapping[str, Any]] = yaml.safe_load(DOCUMENTATION)["options"]
SSH = ("ssh", "-tt", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "ServerAliveInterval=5")
"""With a terminal, so that weftctl ends with the connection."""
LONGEST_PAUSE = 30.0
USAGE = 2
"""weftctl's exit code for options that it does not take."""
_log = logging.getLogger("weft.ovn.fabric")


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their defaults. Raises ValueError that names the option, what was given and what is allowed."""
    if unknown := sorted(set(given) - set(OPTIONS) - {"eda_feedback_queue"}):
        raise ValueError(f"{unknown[0]}: no such option; allowed are {', '.join(OPTIONS)}")
    return {name: _value(name, given.get(name, known["default"]), known["type"]) for name, known in OPTIONS.items()}


def _value(name: str, value: Any, kind: str) -> Any:
    if kind == "list":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name}: got {value!r}, expected a list of strings")
        if name == "hosts" and (wrong := [item for item in value if not item or item.startswith("-")]):
            raise ValueError(f"hosts: got {wrong[0]!r}, expected a host, as root@192.0.2.11")
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: got {value!r}, expected a number") from None
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name}: got {value!r}, expected a number of at least 0")
    return number


def commands(chosen: Mapping[str, Any]) -> list[list[str]]:
    """The command line for each host, or the one for this machine."""
    numbers = ("interval", "hold", "free", "certificate_days")
    words = [word for name in numbers for word in (f"--{name.replace('_', '-')}", f"{chosen[name]:g}")]
    command = [*chosen["command"], "events", "--output", "json", *words]
    if not chosen["hosts"]:
        return [command]
    return [[*SSH, *chosen["ssh_options"], host, "--", shlex.join(command)] for host in chosen["hosts"]]


async def main(queue: asyncio.Queue[Any], args: Mapping[str, Any]) -> None:
    """Feed the queue until cancelled."""
    lines = commands(options(args))
    pause = 1.0
    while True:
        for line in lines:
            if await _follow(line, queue):
                pause = 1.0
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _follow(command: Sequence[str], queue: asyncio.Queue[Any]) -> bool:
    """Pass on what one process tells, to its end; whether it told anything."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, last = False, ""
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            text = line.decode(errors="replace").strip()
            if event := _event(text):
                told = True
                await queue.put(event)
            elif text:
                last = text
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
    if code == USAGE:
        raise ValueError(f"{' '.join(command)}: {last}")
    _log.warning("%s ended with %d: %s", command[0], code, last)
    return told


def _event(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
