"""Runs on a host, by the Python that is there: prints as JSON what the host alone knows.

weftctl sends this file's text to `python3 -` (by SSH, where the host is another machine), with one argument: what to
try, as JSON. Nothing of Weft need be installed: so it looks at a host before it becomes one of the fabric's too. Only
the standard library, and nothing newer than Python 3.8; it changes nothing, and what cannot be read is left out.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import glob
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
from typing import Any

MODULES = ("openvswitch", "geneve", "vxlan", "nf_conntrack", "nf_tables", "vfio_pci", "8021q", "bonding")
SYSCTLS = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.all.rp_filter")
CLONE_NEWNET = 0x40000000
UNITS = (
    "weft-agent", "weft-controller", "weft-ovsdb", "ovn-controller", "ovs-vswitchd", "ovsdb-server", "ovn-northd",
    "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "firewalld", "kubelet", "containerd",
)  # fmt: skip


def said(*words: str, timeout: float = 5) -> str | None:
    """What a program prints; None when it is not there, fails or hangs."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def read(path: str) -> str | None:
    """A file's text; None when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except (OSError, ValueError):
        return None


def modules() -> dict[str, str]:
    """Whether each is loaded, built in, there to be loaded, or absent."""
    loaded = {line.split()[0] for line in (read("/proc/modules") or "").splitlines()}
    folder = "/lib/modules/" + platform.release()
    there = (read(folder + "/modules.dep") or "").replace("-", "_")
    inside = (read(folder + "/modules.builtin") or "").replace("-", "_")
    found = {}
    for name in MODULES:
        if name in loaded or os.path.isdir("/sys/module/" + name):  # noqa: PTH112
            found[name] = "loaded"
        elif "/" + name + ".ko" in inside:
            found[name] = "built in"
        else:
            found[name] = "available" if "/" + name + ".ko" in there else "absent"
    return found


def listeners() -> list[list[Any]]:
    """Sockets that wait: protocol, port and the program's name."""
    found = []
    for protocol, flag in (("tcp", "-tlnpH"), ("udp", "-ulnpH")):
        for line in (said("ss", flag) or "").splitlines():
            columns = line.split()
            if len(columns) > 3 and columns[3].rpartition(":")[2].isdigit():
                program = re.search(r'\(\("([^"]+)"', line)
                found.append([protocol, int(columns[3].rpartition(":")[2]), program[1] if program else ""])
    return found


def links() -> dict[str, dict[str, Any]]:
    """Interfaces: MTU, whether up, addresses, kind."""
    found = {}
    for link in json.loads(said("ip", "-j", "-d", "addr") or "[]"):
        found[link["ifname"]] = {
            "mtu": link.get("mtu", 0),
            "up": "UP" in link.get("flags", ()) and link.get("operstate") != "DOWN",
            "addresses": [item["local"] for item in link.get("addr_info", ()) if "local" in item],
            "kind": link.get("linkinfo", {}).get("info_kind", ""),
        }
    return found


def hugepages() -> dict[str, list[int]]:
    """Number and free ones, by size in kB."""
    found = {}
    for folder in glob.glob("/sys/kernel/mm/hugepages/hugepages-*kB"):  # noqa: PTH207
        found[folder.rpartition("-")[2][:-2]] = [
            int(read(folder + "/" + name) or 0) for name in ("nr_hugepages", "free_hugepages")
        ]
    return found


def cni() -> list[list[Any]]:
    """Configurations of CNI in the order in which a runtime takes them: file and types."""
    found = []
    for path in sorted(glob.glob("/etc/cni/net.d/*")):  # noqa: PTH207
        if path.endswith((".conf", ".conflist", ".json")):
            try:
                content = json.loads(read(path) or "")
                types = [plugin.get("type", "") for plugin in content.get("plugins", [content])]
            except (ValueError, AttributeError):
                types = []
            found.append([os.path.basename(path), types])  # noqa: PTH119
    return found


def dns() -> dict[str, Any]:
    """Servers, and how long the host's own name takes."""
    servers = re.findall(r"^nameserver\s+(\S+)", read("/etc/resolv.conf") or "", re.MULTILINE)
    begin = time.monotonic()
    try:
        socket.getaddrinfo(platform.node(), None)
        error = ""
    except OSError as caught:
        error = str(caught)
    return {"servers": servers, "seconds": time.monotonic() - begin, "error": error}


def units() -> dict[str, str]:
    """State of each service that is installed."""
    text = said("systemctl", "show", "--property=Id,LoadState,ActiveState", *(name + ".service" for name in UNITS))
    found = {}
    for block in (text or "").split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("LoadState") == "loaded":
            found[values["Id"].replace(".service", "")] = values["ActiveState"]
    return found


def switch() -> dict[str, Any] | None:
    """Open vSwitch: its settings, interfaces with errors, tunnels."""
    text = said(
        "ovs-vsctl", "--timeout=3", "--format=json", "--columns=external_ids,other_config", "list", "Open_vSwitch"
    )
    if not text:
        return None
    row = json.loads(text)["data"][0]
    columns = "--columns=name,type,options,error,external_ids"
    rows = json.loads(said("ovs-vsctl", "--timeout=3", "--format=json", columns, "list", "Interface") or '{"data": []}')
    interfaces = [
        {
            "name": name, "type": kind, "options": dict(options[1]), "port": dict(ids[1]).get("iface-id", ""),
            "netns": dict(ids[1]).get("pod_netns", ""), "error": error if isinstance(error, str) else "",
        }
        for name, kind, options, error, ids in rows["data"]
    ]  # fmt: skip
    return {"external_ids": dict(row[0][1]), "other_config": dict(row[1][1]), "interfaces": interfaces}


def versions() -> dict[str, str]:
    """Of the programs that the fabric consists of."""
    found = {"kernel": platform.release(), "python": platform.python_version()}
    for name, program in (("ovs", "ovs-vsctl"), ("ovn", "ovn-controller")):
        text = said(program, "--version") if shutil.which(program) else None
        number = re.search(r"(\d+\.\d+(?:\.\d+)?)", text or "")
        if number:
            found[name] = number[1]
    return found


def ping(item: dict[str, Any]) -> dict[str, Any]:
    """Answers of three of a size that is not to be cut: `{"to", "size", "netns"}`. The first of a way may be lost."""
    found = ping_once(item)
    return found if found["received"] else ping_once(item)


def ping_once(item: dict[str, Any]) -> dict[str, Any]:
    """Three pings."""
    words = [
        "ping",
        "-n",
        "-q",
        "-c",
        "3",
        "-i",
        "0.2",
        "-W",
        "1",
        "-M",
        "do",
        "-s",
        str(item.get("size", 56)),
        item["to"],
    ]
    if item.get("netns"):
        words[:0] = ["nsenter", "--net=" + item["netns"]]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return dict(item, received=0, error=str(error))
    counted = re.search(r"(\d+) received", done.stdout)
    times = re.search(r"= [\d.]+/([\d.]+)/", done.stdout)
    received = int(counted[1]) if counted else 0
    return dict(item, received=received, ms=float(times[1]) if times else None, error=done.stderr.strip()[:200])


def enter(netns: str | None) -> None:
    """Put this thread into a network namespace; None: into that which the program began in."""
    with open(netns or "/proc/self/ns/net", encoding="utf-8") as file:  # noqa: PTH123
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns", netns)


def connect(item: dict[str, Any]) -> dict[str, Any]:
    """Whether somebody is there: `{"protocol", "to", "port", "netns"}`. Of UDP only a refusal is sure."""
    try:
        enter(item.get("netns"))
    except OSError as error:
        return dict(item, answer="unknown", error=str(error))
    family = socket.AF_INET6 if ":" in item["to"] else socket.AF_INET
    kind = socket.SOCK_STREAM if item["protocol"] == "tcp" else socket.SOCK_DGRAM
    begin = time.monotonic()
    with socket.socket(family, kind) as channel:
        channel.settimeout(2)
        try:
            channel.connect((item["to"], item["port"]))
            if item["protocol"] == "udp":
                channel.send(b"\0")
                channel.recv(1)
        except OSError as error:
            silent = isinstance(error, (socket.timeout, TimeoutError))
            return dict(item, answer="silent" if silent else "refused", error=str(error))
    return dict(item, answer="open", ms=(time.monotonic() - begin) * 1000)


def main() -> None:
    """Print all of it."""
    asked = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    connected = said("ovn-appctl", "-t", "ovn-controller", "connection-status") if shutil.which("ovn-appctl") else None
    disk = shutil.disk_usage("/var")
    facts = {
        "time": time.time(),
        "name": platform.node(),
        "modules": modules(),
        "listeners": listeners(),
        "links": links(),
        "hugepages": hugepages(),
        "cni": cni(),
        "dns": dns(),
        "units": units(),
        "switch": switch(),
        "ovn_controller": (connected or "").strip(),
        "versions": versions(),
        "tables": [
            [item["table"]["family"], item["table"]["name"]]
            for item in json.loads(said("nft", "-j", "list", "tables") or '{"nftables": []}')["nftables"]
            if "table" in item
        ],
        "routes": [
            [item.get("dst", ""), item.get("dev", "")]
            for family in ("-4", "-6")
            for item in json.loads(said("ip", "-j", family, "route") or "[]")
        ],
        "sysctls": {name: (read("/proc/sys/" + name.replace(".", "/")) or "").strip() for name in SYSCTLS},
        "disk_free": disk.free,
    }
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        facts["pings"] = list(pool.map(ping, asked.get("pings", [])))
        facts["connects"] = list(pool.map(connect, asked.get("connects", [])))
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
