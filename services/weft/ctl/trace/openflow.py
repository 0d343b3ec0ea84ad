"""What `ofproto/trace` printed: where a host's flows put a packet out, and how it looks then. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_BRIDGE = re.compile(r'^\s*bridge\("([^"]+)"\)$')
_FLOW = re.compile(r"^\s*(\d+)\. (?:.*, )?priority \d+(?:, cookie 0x([0-9a-f]+))?$")
_OUTPUT = re.compile(r"^\s*output:(\d+)$")
_SET = re.compile(r"^\s*set_field:([0-9a-fx:]+)(?:/\S+)?->(tun_id|tun_metadata0|eth_src|eth_dst)$")
_METADATA = re.compile(r"NXM_NX_TUN_METADATA0\[16\.\.30\] is now (0x[0-9a-f]+|0)")
_NAT = re.compile(r"nat\((?:src|dst)=[0-9\[]")


@dataclass(slots=True)
class Output:
    """A port of the integration bridge, and the packet's headers when it leaves there."""

    port: int
    eth_src: str = ""
    eth_dst: str = ""
    ttl_less: int = 0
    tun_id: int = 0
    tun_metadata: int = 0


@dataclass(slots=True)
class Path:
    """A host's part of the way."""

    outputs: list[Output] = field(default_factory=list)
    tables: int = 0
    last_table: int = 0
    last_cookie: str = ""
    controller: bool = False
    """Whether it was handed to ovn-controller, which answers neighbour discovery and the like."""
    translated: bool = False
    """Whether connection tracking would have changed addresses, which a trace cannot follow."""
    actions: list[str] = field(default_factory=list)
    """Of the datapath, one line for each time that the packet is taken up again."""


def parse_openflow(text: str, bridge: str = "br-int") -> Path:
    """Read a trace that began in `bridge`."""
    path, now = Path(), Output(0)
    inside: list[tuple[int, str]] = []
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        while line.strip() and len(inside) > 1 and depth < inside[-1][0]:
            inside.pop()  # a bridge below, as that of the underlay, has been left
        if found := _BRIDGE.match(line):
            inside = [*inside[: 1 if depth else 0], (depth, found[1])]
        elif line.startswith("Datapath actions: "):
            path.actions.append(line.partition(": ")[2])
        elif inside and inside[-1][1] == bridge:
            _read(path, now, line)
    return path


def _read(path: Path, now: Output, line: str) -> None:
    if found := _FLOW.match(line):
        path.tables += 1
        path.last_table, path.last_cookie = int(found[1]), (found[2] or "").zfill(8)
    elif found := _OUTPUT.match(line):
        path.outputs.append(Output(int(found[1]), now.eth_src, now.eth_dst, now.ttl_less, now.tun_id, now.tun_metadata))
    elif found := _SET.match(line):
        _set(now, found[2], found[1])
    elif found := _METADATA.search(line):
        now.tun_metadata |= int(found[1], 16) << 16
    elif line.strip().startswith("controller("):
        path.controller = True
    elif line.strip() == "dec_ttl()":
        now.ttl_less += 1
    elif _NAT.search(line):
        path.translated = True


def _set(now: Output, field_name: str, value: str) -> None:
    match field_name:
        case "tun_id":
            now.tun_id = int(value, 16)
        case "tun_metadata0":
            now.tun_metadata = int(value, 16)
        case "eth_src":
            now.eth_src = value
        case _:
            now.eth_dst = value
