"""Runs on a host of the fabric, sent there by tools/reach.py: answers for its workloads, and asks others who they are.

Standard library only. A socket belongs to the network namespace that its maker was in, so one process serves and probes
for all workloads of its host, and for the host itself. A dialogue on standard input and output, a JSON line each:

    in   {"port", "serve": [{"netns", "name", "addresses"}],
          "probes": [{"id", "netns", "address", "name", "patience"}]}
    out  {"ready": true}                     everybody's servers must be up before anybody asks
    in   {}                                  go
    out  {"results": [{"id", "answered_by", "rtt_ms", "tcp"}]}
    in   (end of file)                       the others are done, too

A datagram that comes back tells who answered: with overlapping addresses that matters more than that somebody did.
Whoever was reached is then asked for 64 KiB over TCP: wrong MTUs and checksums show there, and not in a ping.
"""

import contextlib
import ctypes
import json
import os
import selectors
import socket
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
BULK = 64 * 1024
PAUSES = (0.0, 0.2, 0.4, 0.8, 1.2, 1.6, 2.2)
ROUNDS = 3


def enter(fd):
    """Move this thread to a network namespace."""
    if hasattr(os, "setns"):
        os.setns(fd, CLONE_NEWNET)
    elif ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Namespaces:
    """Makes sockets in network namespaces. The empty name is the host's own."""

    def __init__(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)

    @contextlib.contextmanager
    def inside(self, name):
        if not name:
            yield
            return
        fd = os.open("/run/netns/" + name, os.O_RDONLY)
        try:
            enter(fd)
            yield
        finally:
            enter(self.home)
            os.close(fd)

    def socket(self, netns, address, kind):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.inside(netns):
            made = socket.socket(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return made


class Servers:
    """Answers on every address of every workload of this host."""

    def __init__(self, namespaces, job):
        self.selector = selectors.DefaultSelector()
        for item in job["serve"]:
            for address in item["addresses"]:
                datagrams = namespaces.socket(item["netns"], address, socket.SOCK_DGRAM)
                datagrams.bind((address, job["port"]))
                self.selector.register(datagrams, selectors.EVENT_READ, (self.echo, item["name"]))
                streams = namespaces.socket(item["netns"], address, socket.SOCK_STREAM)
                streams.bind((address, job["port"]))
                streams.listen(64)
                self.selector.register(streams, selectors.EVENT_READ, (self.send_bulk, item["name"]))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                answer, name = key.data
                with contextlib.suppress(OSError):
                    answer(key.fileobj, name)

    def echo(self, server, name):
        data, peer = server.recvfrom(2048)
        server.sendto(data + b" " + name.encode(), peer)

    def send_bulk(self, server, _name):
        connection, _ = server.accept()
        threading.Thread(target=self.bulk, args=(connection,), daemon=True).start()

    def bulk(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            connection.sendall(b"x" * BULK)


class Prober:
    """Asks all at once until each has answered or its patience is over; then measures those that did, one by one."""

    def __init__(self, namespaces, job):
        self.namespaces = namespaces
        self.port = job["port"]
        self.probes = {probe["id"]: probe for probe in job["probes"]}
        self.answers = {}
        self.problems = {}
        self.sockets = {}
        self.selector = selectors.DefaultSelector()
        for probe in self.probes.values():
            key = probe["netns"], ":" in probe["address"]
            if key not in self.sockets:
                self.sockets[key] = namespaces.socket(probe["netns"], probe["address"], socket.SOCK_DGRAM)
                self.selector.register(self.sockets[key], selectors.EVENT_READ)

    def send(self, probe):
        sender = self.sockets[probe["netns"], ":" in probe["address"]]
        try:
            sender.sendto(str(probe["id"]).encode(), (probe["address"], self.port))
        except OSError as error:
            self.problems[probe["id"]] = error.strerror

    def receive(self, timeout):
        """Ids of the probes that were answered now."""
        came = []
        for key, _ in self.selector.select(timeout):
            try:
                data, peer = key.fileobj.recvfrom(2048)
            except OSError:
                continue
            number, _, name = data.decode().partition(" ")
            probe = self.probes.get(int(number))
            if probe is not None and peer[0].partition("%")[0] == probe["address"]:
                self.answers.setdefault(probe["id"], name)
                came.append(probe["id"])
        return came

    def run(self):
        started = time.monotonic()
        due = [(started + pause, probe) for probe in self.probes.values() for pause in self.pauses(probe["patience"])]
        due.sort(key=lambda item: item[0])
        end = started + max((probe["patience"] for probe in self.probes.values()), default=0)
        while len(self.answers) < len(self.probes) and time.monotonic() < end:
            while due and due[0][0] <= time.monotonic():
                _, probe = due.pop(0)
                if probe["id"] not in self.answers:
                    self.send(probe)
            due = [item for item in due if item[1]["id"] not in self.answers]
            waiting = [p for p in self.probes.values() if p["id"] not in self.answers]
            last = max((started + probe["patience"] for probe in waiting), default=0)
            self.receive(max(min(due[0][0] if due else last, last) - time.monotonic(), 0.001))
            if last < time.monotonic():
                break
        return [self.result(probe) for probe in self.probes.values()]

    def pauses(self, patience):
        later = range(3, int(patience) + 1)
        return [pause for pause in (*PAUSES, *later) if pause < patience]

    def result(self, probe):
        name = self.answers.get(probe["id"], "")
        reached = name == probe["name"]
        return {
            "id": probe["id"],
            "answered_by": name,
            "rtt_ms": self.measure(probe) if reached else None,
            "tcp": self.fetch(probe) if reached else "",
            "problem": "" if name else self.problems.get(probe["id"], ""),
        }

    def measure(self, probe):
        """Shortest round trip of a few, in milliseconds."""
        best = None
        for _ in range(ROUNDS):
            self.receive(0)
            started = time.monotonic()
            self.send(probe)
            while time.monotonic() < started + 1:
                if probe["id"] in self.receive(started + 1 - time.monotonic()):
                    took = (time.monotonic() - started) * 1000
                    best = took if best is None else min(best, took)
                    break
        return None if best is None else round(best, 3)

    def fetch(self, probe):
        """Ask for 64 KiB over TCP: "ok", or what went wrong."""
        size = 0
        try:
            with self.namespaces.socket(probe["netns"], probe["address"], socket.SOCK_STREAM) as client:
                client.settimeout(5)
                client.connect((probe["address"], self.port))
                while chunk := client.recv(65536):
                    size += len(chunk)
        except OSError as error:
            return f"{error.strerror or error} after {size} bytes"
        return "ok" if size == BULK else f"{size} of {BULK} bytes"


def main():
    """Hold the dialogue."""
    job = json.loads(sys.stdin.readline())
    namespaces = Namespaces()
    try:
        Servers(namespaces, job)
        prober = Prober(namespaces, job)
    except OSError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    if sys.stdin.readline():
        print(json.dumps({"results": prober.run()}), flush=True)
        sys.stdin.readline()


main()
