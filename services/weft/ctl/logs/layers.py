"""Which layer writes where. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_TIME = re.compile(r"[0-9A-Za-z :.+-]+")


@dataclass(frozen=True, slots=True)
class Layer:
    """Services whose journal it is, and files that are no journal's; `kernel`: also the kernel's messages.

    `commands` print state that helps to read the rest; they are only for a collection.
    """

    units: Sequence[str] = ()
    files: Sequence[str] = ()
    kernel: bool = False
    commands: Mapping[str, Sequence[str]] | None = None


LAYERS: Mapping[str, Layer] = {
    "weft": Layer(("weft-controller", "weft-agent", "weft-webhook")),
    "ovn": Layer(("ovn-controller", "ovn-northd"), ("/var/log/ovn/ovn-controller.log", "/var/log/ovn/ovn-northd.log")),
    "databases": Layer(
        ("ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "weft-ovsdb"),
        tuple(f"/var/log/ovn/ovsdb-server-{name}.log" for name in ("nb", "sb", "weft")),
    ),
    "ovs": Layer(
        ("ovs-vswitchd", "ovsdb-server"),
        ("/var/log/openvswitch/ovs-vswitchd.log", "/var/log/openvswitch/ovsdb-server.log"),
    ),
    "kubernetes": Layer(("kubelet", "containerd")),
    "linux": Layer(
        kernel=True,
        commands={
            "addresses": ("ip", "-d", "address"), "routes": ("ip", "route", "show", "table", "all"),
            "rules": ("ip", "rule"), "neighbours": ("ip", "neighbour"), "sockets": ("ss", "-tuanp"),
            "nftables": ("nft", "list", "ruleset"), "memory": ("free", "-m"),
            "processes": ("ps", "-eo", "pid,rss,etime,args"),
        },
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Which lines are wanted."""

    layers: Sequence[str]
    since: str = ""
    lines: int = 100
    follow: bool = False


def problem(choice: Choice) -> str:
    """What is wrong with a choice; "" when nothing is."""
    if unknown := [name for name in choice.layers if name not in LAYERS]:
        return f"{unknown[0]}: no such layer; allowed are {', '.join(LAYERS)}"
    if choice.since and not _TIME.fullmatch(choice.since):
        return f"{choice.since!r} is no time as systemd.time(7) has them: 2026-01-31 12:00, or -1h"
    return ""


def readers(choice: Choice) -> Iterator[tuple[str, list[str]]]:
    """For each layer the programs that print its lines, with the layer's name."""
    for name in choice.layers:
        layer = LAYERS[name]
        if layer.units or layer.kernel:
            yield name, _journal(layer, choice)
        if layer.files:
            follow = ["--follow=name"] if choice.follow else []
            yield name, ["tail", "--quiet", f"--lines={choice.lines}", *follow, "--", *layer.files]


def _journal(layer: Layer, choice: Choice) -> list[str]:
    line = ["journalctl", "--no-pager", "--quiet", "--output=short-iso", f"--lines={choice.lines}"]
    if choice.since:
        line.append(f"--since={choice.since}")
    if choice.follow:
        line.append("--follow")
    return [*line, *(["--dmesg"] if layer.kernel else []), *(f"--unit={unit}.service" for unit in layer.units)]
