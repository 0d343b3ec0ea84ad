#!/usr/bin/env python3
"""Who reaches whom on a fabric: applies documents, waits for their workloads, and tries every pair.

Runs on the control node against an inventory, over the same SSH as Ansible. Each host gets one process (reach_probe.py)
that answers and asks for all of its workloads at once, so the whole takes seconds and not a login per pair. What ought
to be follows from the objects: inside a VPC everybody reaches everybody, across VPCs nobody; hosts and the workloads of
the default VPC reach each other. Exit code 1 names the pairs for which that is not so.

    tools/reach.py                            the lab, with docs/examples; by kubectl where the lab has Kubernetes
    tools/reach.py --inventory FILE --no-apply --output json
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import shlex
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import reach_kubectl

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_VPC = "ovn-cluster"
PORT = 7107
PATIENCE = {True: 12.0, False: 2.5}
"""Seconds to go on asking: whoever should answer gets longer than whoever should not."""
TIMEOUT = 60


class ReachError(Exception):
    """It could not even be tried: the text says at which host and why."""


# -- hosts ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remote:
    """A host, and the words that run a command there."""

    name: str
    ssh: tuple[str, ...]

    def finish(self, command: str, data: bytes, timeout: float) -> subprocess.CompletedProcess[bytes]:
        """Run a command there to its end, whatever that is."""
        return subprocess.run([*self.ssh, command], input=data, capture_output=True, timeout=timeout, check=False)

    def run(self, command: str, timeout: float = TIMEOUT) -> str:
        """What a command printed; an error when it failed."""
        return self.feed(command, b"", timeout)

    def feed(self, command: str, data: bytes, timeout: float = TIMEOUT) -> str:
        """As `run`, with something on the command's standard input."""
        done = self.finish(command, data, timeout)
        if done.returncode:
            raise ReachError(f"{self.name}: {command}: exit code {done.returncode}\n{_said(done)}")
        return done.stdout.decode()

    def start(self, command: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*self.ssh, command], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stderr + done.stdout).decode(errors="replace").strip()


def read_inventory(path: str, group: str) -> tuple[list[Remote], Remote]:
    """All hosts of the fabric, and the member that weftctl is asked on."""
    # Ansible renders the variables itself (they hold templates), so that there is one place that says how to log in.
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415 - takes half a second
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415
    from ansible.template import Templar  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    init_plugin_loader()
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[path])
    manager = VariableManager(loader=loader, inventory=inventory)

    def remote(host: Any) -> Remote:
        variables = Templar(loader=loader, variables=manager.get_vars(host=host)).template(
            {
                key: value
                for key, value in manager.get_vars(host=host).items()
                if key.startswith("ansible_") or "ssh" in key
            }
        )
        return Remote(host.name, tuple(_ssh(host.name, variables)))

    members = inventory.get_hosts("ovn_central")
    if not members:
        raise ReachError(f"{path}: no hosts in the group ovn_central")
    return [remote(host) for host in inventory.get_hosts(group)], remote(members[0])


def _ssh(name: str, variables: dict[str, Any]) -> Iterator[str]:
    yield from ("ssh", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR")
    for variable in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        yield from shlex.split(str(variables.get(variable) or ""))
    if key := variables.get("ansible_ssh_private_key_file"):
        yield from ("-i", str(key))
    if port := variables.get("ansible_port"):
        yield from ("-p", str(port))
    if user := variables.get("ansible_user"):
        yield from ("-l", str(user))
    yield str(variables.get("ansible_host") or name)


# -- what there is ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Party:
    """A workload, or a host itself (then without `netns`)."""

    name: str
    host: str
    subnet: str
    vpc: str
    addresses: tuple[str, ...]
    netns: str = ""

    @property
    def is_host(self) -> bool:
        return not self.netns


@dataclass
class Fabric:
    """Everybody, and by which tunnels hosts talk."""

    parties: list[Party] = field(default_factory=list)
    tunnels: dict[str, str] = field(default_factory=dict)

    @property
    def workloads(self) -> list[Party]:
        return [party for party in self.parties if not party.is_host]


def apply_documents(member: Remote, sources: Sequence[str], patience: float) -> list[dict[str, Any]]:
    """Send files and folders to the member and apply them there, so that errors name the files; what became of each.

    Waits for their workloads.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for source in sources:
            tar.add(source, arcname=source.lstrip("/"))
    names = " ".join(f"-f {shlex.quote(source.lstrip('/'))}" for source in sources)
    apply = f"weftctl apply {names} --wait --timeout {patience:g} --output json"
    script = f'd=$(mktemp -d); trap "rm -rf $d" EXIT; cd "$d" && tar x && {apply}'
    done = member.finish(script, archive.getvalue(), patience + TIMEOUT)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise ReachError(f"{member.name}: weftctl apply: exit code {done.returncode}\n{_said(done)}") from None
    if answer["problems"]:
        raise ReachError(f"{member.name}: weftctl apply:\n" + "\n".join(answer["problems"]))
    return list(answer["results"])


def _summary(results: Sequence[dict[str, Any]]) -> str:
    """What changed, and a count of the rest."""
    changed = [f"{item['object']} {item['action']}" for item in results if item["action"] != "unchanged"]
    return "\n".join([*changed, f"{len(results)} objects applied, {len(results) - len(changed)} unchanged"])


def ask_weftctl(member: Remote, *commands: str) -> list[Any]:
    """What weftctl answers to each command."""
    script = "; ".join(f"weftctl {command} -o json | tr '\\n' ' '; echo" for command in commands)
    return [json.loads(line) for line in member.run(script).splitlines()]


def read_fabric(member: Remote, wanted: set[str] | None, *, kubernetes: bool) -> Fabric:
    """Who there is: of the workloads those that are `wanted` (references of pods), or all that are ready."""
    if kubernetes:
        endpoints, subnets, ips = reach_kubectl.read(member.feed)
        (status,) = ask_weftctl(member, "status")
    else:
        endpoints, subnets, ips, status = ask_weftctl(member, "endpoint list", "get subnets", "get ips", "status")
    vpcs = {item["metadata"]["name"]: item["spec"].get("vpc", DEFAULT_VPC) for item in subnets["items"]}
    fabric = Fabric(tunnels={host["name"]: host["encap"].split()[0] for host in status["hosts"] if host["encap"]})
    for item in endpoints:
        if not item["ready"] or (wanted is not None and f"Pod/{item['namespace']}/{item['name']}" not in wanted):
            continue
        vpc = vpcs.get(item["subnet"], "")
        name = f"{item['name']}.{item['namespace']}"
        fabric.parties.append(Party(name, item["host"], item["subnet"], vpc, tuple(item["addresses"]), item["netns"]))
    for item in ips["items"]:
        spec = item["spec"]
        if not spec.get("podName") and spec.get("nodeName") in fabric.tunnels:
            addresses = tuple(spec["ipAddress"].split(","))
            fabric.parties.append(Party(spec["nodeName"], spec["nodeName"], spec["subnet"], DEFAULT_VPC, addresses))
    return fabric


# -- what ought to be -------------------------------------------------------------------------------------------------


@dataclass
class Try:
    """One party asking another at one address; `answered_by` and the rest are filled in by the probe."""

    source: str
    source_host: str
    destination: str
    destination_host: str
    relation: str
    address: str
    path: str
    expected: bool
    answered_by: str = ""
    rtt_ms: float | None = None
    tcp: str = ""
    problem: str = ""

    @property
    def reached(self) -> bool:
        return self.answered_by == self.destination

    @property
    def right(self) -> bool:
        return self.reached == self.expected and (not self.reached or (self.tcp == "ok" and self.rtt_ms is not None))


def expectations(fabric: Fabric) -> Iterator[tuple[Party, Try]]:
    """Every pair and address family that the source has an address of. Hosts among themselves are not our business."""
    for source, destination in itertools.permutations(fabric.parties, 2):
        if source.is_host and destination.is_host:
            continue
        families = {":" in address for address in source.addresses}
        for address in destination.addresses:
            if (":" in address) in families:
                yield source, _try(fabric, source, destination, address)


def _try(fabric: Fabric, source: Party, destination: Party, address: str) -> Try:
    tunnel = fabric.tunnels.get(source.host, "tunnel")
    local = source.host == destination.host
    path = f"{source.host} local" if local else f"{source.host} → {destination.host} {tunnel}"
    return Try(
        source=source.name,
        source_host=source.host,
        destination=destination.name,
        destination_host=destination.host,
        relation=_relation(source, destination),
        address=address,
        path=path,
        expected=source.vpc == destination.vpc,
    )


def _relation(source: Party, destination: Party) -> str:
    if source.vpc != destination.vpc:
        ends = ("hosts" if source.is_host else source.vpc, "hosts" if destination.is_host else destination.vpc)
        return " | ".join(sorted(ends))
    if source.is_host or destination.is_host:
        return "host and workload"
    if source.subnet == destination.subnet:
        return f"{source.vpc}: subnet {source.subnet}"
    return f"{source.vpc}: across subnets"


# -- trying it --------------------------------------------------------------------------------------------------------


def probe(remotes: Iterable[Remote], fabric: Fabric, tries: Sequence[tuple[Party, Try]]) -> None:
    """One process a host; all serve before any asks, and until all have asked."""
    script = (ROOT / "tools/reach_probe.py").read_text()
    sessions = [
        _Session(remote, script, _job(remote.name, fabric, tries))
        for remote in remotes
        if any(party.host == remote.name for party in fabric.parties)
    ]
    try:
        for step in (_Session.start, _Session.ask):
            threads = [threading.Thread(target=step, args=(session,)) for session in sessions]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if failures := [session.failure for session in sessions if session.failure]:
                raise ReachError("\n".join(failures))
    finally:
        for session in sessions:
            session.close()
    for session in sessions:
        for result in session.results:
            found = tries[result.pop("id")][1]
            for name, value in result.items():
                setattr(found, name, value)


def _job(host: str, fabric: Fabric, tries: Sequence[tuple[Party, Try]]) -> dict[str, Any]:
    return {
        "port": PORT,
        "serve": [
            {"netns": party.netns, "name": party.name, "addresses": party.addresses}
            for party in fabric.parties
            if party.host == host
        ],
        "probes": [
            {
                "id": number,
                "netns": source.netns,
                "address": item.address,
                "name": item.destination,
                "patience": PATIENCE[item.expected],
            }
            for number, (source, item) in enumerate(tries)
            if source.host == host
        ],
    }


class _Session:
    """The dialogue with one host's probe."""

    def __init__(self, remote: Remote, script: str, job: dict[str, Any]) -> None:
        self.remote = remote
        self.job = job
        self.results: list[dict[str, Any]] = []
        self.failure = ""
        self.process = remote.start(f"python3 -c {shlex.quote(script)}")

    def start(self) -> None:
        self._say(self.job, "ready")

    def ask(self) -> None:
        self.results = self._say({}, "results") or []

    def _say(self, message: dict[str, Any], wanted: str) -> Any:
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            answer = json.loads(line) if line else {"error": process.stderr.read().strip()}
        except (OSError, ValueError) as error:
            answer = {"error": str(error)}
        if "error" in answer:
            self.failure = f"{self.remote.name}: the probe failed: {answer['error']}"
        return answer.get(wanted)

    def close(self) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()


# -- showing it -------------------------------------------------------------------------------------------------------

HEADINGS = ("FROM", "TO", "ADDRESS", "PATH", "EXPECTED", "REACHED", "THERE ms", "BACK ms")


def show(tries: Sequence[Try], everything: bool, seconds: float) -> None:
    """Pairs that ought to reach each other, one line for both directions; those that ought not, counted by VPC."""
    from rich.console import Console  # noqa: PLC0415 - only for people

    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200)
    groups: dict[str, list[Try]] = {}
    for item in sorted(tries, key=lambda item: (not item.expected, _rank(item.relation), item.relation)):
        groups.setdefault(item.relation, []).append(item)
    rows = {
        relation: list(_rows(items)) if everything or items[0].expected else [] for relation, items in groups.items()
    }
    widths = [max(map(len, column)) for column in zip(HEADINGS, *itertools.chain(*rows.values()), strict=True)]
    console.print(f"  [bold]{_line(HEADINGS, widths)}[/]", soft_wrap=True)
    for relation, items in groups.items():
        right = sum(item.right for item in items)
        colour = "green" if right == len(items) else "red"
        word = "reached" if items[0].expected else "not reached, as it should be"
        console.print(f"[bold]{relation}[/]: [{colour}]{right} of {len(items)} {word}[/]", soft_wrap=True)
        for row in rows[relation]:
            console.print(_coloured(_line(row, widths), row), soft_wrap=True)
    wrong = [item for item in tries if not item.right]
    for item in wrong:
        console.print(f"[red]failed[/] {describe(item)}", soft_wrap=True)
    total = f"{len(tries)} tries in {seconds:.1f} s: "
    console.print(total + (f"[red]{len(wrong)} not as expected[/]" if wrong else "[green]all as expected[/]"))


def _rank(relation: str) -> int:
    return 0 if "subnet " in relation else 1 if "across" in relation else 2


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if heading.endswith("ms") else cell.ljust(width)
        for heading, cell, width in zip(HEADINGS, cells, widths, strict=True)
    ).rstrip()


def _coloured(line: str, row: Sequence[str]) -> str:
    return f"  {line}" if row[4] == row[5] else f"  [red]{line}[/]"


def _rows(items: Sequence[Try]) -> Iterator[tuple[str, ...]]:
    """One a pair and address family, told from the end that comes first."""
    back = {(item.source, item.destination, ":" in item.address): item for item in items}
    seen = set()
    for item in items:
        family = ":" in item.address
        if (item.destination, item.source, family) in seen:
            continue
        seen.add((item.source, item.destination, family))
        other = back.get((item.destination, item.source, family))
        yield (
            _end(item.source, item.source_host),
            _end(item.destination, item.destination_host),
            item.address,
            item.path,
            "yes" if item.expected else "no",
            _verdict(item, other),
            _milliseconds(item),
            _milliseconds(other),
        )


def _end(name: str, host: str) -> str:
    return f"host {name}" if name == host else name


def _verdict(*both: Try | None) -> str:
    """`yes` or `no`; when the two directions differ, both."""
    known = [item for item in both if item is not None]
    words = ["yes" if item.reached and (item.right or not item.expected) else "no" for item in known]
    return "/".join(dict.fromkeys(words))


def _milliseconds(item: Try | None) -> str:
    return "" if item is None or item.rtt_ms is None else f"{item.rtt_ms:.2f}"


def describe(item: Try) -> str:
    """A failed try in words."""
    ends = f"{item.source} ({item.source_host}) → {item.destination} at {item.address}, {item.path}"
    if item.expected and not item.reached:
        other = f", {item.answered_by} answered" if item.answered_by else ""
        return f"{ends}: not reached{other} {item.problem}".rstrip()
    if not item.expected:
        return f"{ends}: reached, though {item.relation} should be isolated"
    return f"{ends}: datagrams come back, but TCP does not: {item.tcp or 'no round trip'}"


# -- the whole --------------------------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> tuple[Fabric, list[Try], float]:
    """Everything but the showing."""
    remotes, member = read_inventory(options.inventory, options.group)
    kubernetes = options.store == "kubernetes" or (options.store == "auto" and reach_kubectl.serves(member.feed))
    wanted = None
    if not options.no_apply:
        sources = options.filename or ["docs/examples"]
        if kubernetes:
            results = reach_kubectl.apply(member.feed, sources, options.timeout, ReachError)
        else:
            results = apply_documents(member, sources, options.timeout)
        _note(options, _summary(results))
        wanted = {item["object"] for item in results}
    fabric = read_fabric(member, wanted, kubernetes=kubernetes)
    _note(
        options, f"{len(fabric.workloads)} workloads ready on {len({party.host for party in fabric.workloads})} hosts"
    )
    started = time.monotonic()
    pairs = list(expectations(fabric))
    probe(remotes, fabric, pairs)
    return fabric, [item for _, item in pairs], time.monotonic() - started


def _note(options: argparse.Namespace, text: str) -> None:
    if options.output == "text":
        print(text.strip(), flush=True)


def main() -> int:
    """Run and give the exit code: 1 when something is not as expected, 2 when it could not be tried."""
    parser = argparse.ArgumentParser(description="Who reaches whom on a fabric.")
    inventory = os.environ.get("ANSIBLE_INVENTORY", "inventories/lab/hosts.yml")
    parser.add_argument("-i", "--inventory", default=inventory, help="default: %(default)s")
    parser.add_argument("-g", "--group", default="ovn_hosts", help="the fabric's hosts; default: %(default)s")
    parser.add_argument("-f", "--filename", action="append", help="documents to apply; default: docs/examples")
    parser.add_argument("--no-apply", action="store_true", help="take the workloads that are there and ready")
    parser.add_argument(
        "--store",
        choices=("auto", "fabric", "kubernetes"),
        default="auto",
        help="apply and read by weftctl (fabric) or kubectl (kubernetes); by default as the fabric's controller does",
    )
    parser.add_argument("--timeout", type=float, default=60, help="seconds for workloads to become ready")
    parser.add_argument("--all", action="store_true", help="also each pair that is not to reach each other")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    try:
        fabric, tries, seconds = measure(options)
    except (ReachError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.output == "json":
        rows = [{**asdict(item), "reached": item.reached, "right": item.right} for item in tries]
        print(json.dumps({"seconds": seconds, "workloads": [asdict(p) for p in fabric.workloads], "tries": rows}))
    else:
        show(tries, options.all, seconds)
    return 0 if tries and all(item.right for item in tries) else 1


if __name__ == "__main__":
    sys.exit(main())
