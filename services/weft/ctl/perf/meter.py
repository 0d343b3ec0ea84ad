"""Runs at both ends, by the Python that is there: `serve` answers, `measure` asks and prints figures as JSON.

weftctl gives this file's text to `python3 -c`. A server ends when its standard input does, so none is left when the
connection to its host is cut. One TCP connection for each measurement carries what is asked, and what was counted.
Only the standard library, and nothing newer than Python 3.8.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import select
import socket
import sys
import threading
import time
from typing import Any

CLONE_NEWNET = 0x40000000
PATIENCE = 5.0
CHUNK = 1 << 16
PACED = 500
"""Datagrams a second when loss is measured."""


def enter(netns: str) -> None:
    """Put this program into a network namespace, if there is one to be put into."""
    if netns:
        with open(netns, encoding="utf-8") as file:  # noqa: PTH123
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns", netns)


def family(address: str) -> socket.AddressFamily:
    """Of sockets."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def exactly(channel: socket.socket, count: int) -> bytes:
    """So many bytes; fewer when the other end has closed."""
    data = b""
    while len(data) < count and (part := channel.recv(count - len(data))):
        data += part
    return data


def line(channel: socket.socket) -> dict[str, Any]:
    """A line of JSON, not a byte more."""
    data = b""
    while not data.endswith(b"\n"):
        part = channel.recv(1)
        if not part:
            raise OSError("the other end has closed")
        data += part
    found: dict[str, Any] = json.loads(data)
    return found


def put(channel: socket.socket, **values: Any) -> None:
    """Send a line of JSON."""
    channel.sendall(json.dumps(values).encode() + b"\n")


# --- the server ---


def serve(address: str) -> None:
    """Answer until standard input ends."""
    with socket.create_server((address, 0), family=family(address)) as listener:
        sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready and not sys.stdin.read(1):
                return
            if listener in ready:
                channel, _ = listener.accept()
                threading.Thread(target=answer, args=(channel, address), daemon=True).start()


def answer(channel: socket.socket, address: str) -> None:
    """One measurement, from the server's side."""
    with channel, contextlib.suppress(OSError):
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = line(channel)
        if asked["test"] == "tcp latency":
            while data := exactly(channel, asked["size"]):
                channel.sendall(data)
        elif asked["test"] == "tcp throughput":
            put(channel, **count_stream(channel))
        else:
            answer_datagrams(channel, address, echo=asked["test"] == "udp latency")


def count_stream(channel: socket.socket) -> dict[str, Any]:
    """Bytes until the sender says that it has done, and the time that they took."""
    total, begin = 0, time.monotonic()
    while part := channel.recv(CHUNK):
        total += len(part)
    return {"bytes": total, "seconds": time.monotonic() - begin}


def answer_datagrams(channel: socket.socket, address: str, *, echo: bool) -> None:
    """Echo or count datagrams until the other end says on the connection that it has done."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        datagrams.bind((address, 0))
        put(channel, port=datagrams.getsockname()[1])
        count, total, first, last = 0, 0, 0.0, 0.0
        while True:
            ready, _, _ = select.select([datagrams, channel], [], [])
            if datagrams in ready:
                data, sender = datagrams.recvfrom(CHUNK)
                last = time.monotonic()
                first = first or last
                count, total = count + 1, total + len(data)
                if echo:
                    datagrams.sendto(data, sender)
            elif channel in ready:
                line(channel)
                put(channel, count=count, bytes=total, seconds=last - first)
                return


# --- the client ---


def measure(address: str, port: int, sizes: list[int], seconds: float) -> list[dict[str, Any]]:
    """A row of figures for each size."""
    rows = []
    for size in sizes:
        row: dict[str, Any] = {"size": size}
        for test in (tcp_latency, tcp_throughput, udp_latency, udp_loss, udp_throughput):
            with socket.create_connection((address, port), PATIENCE) as channel:
                channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                put(channel, test=test.__name__.replace("_", " "), size=size)
                row.update(test(channel, size, seconds))
        rows.append(row)
    return rows


def tcp_latency(channel: socket.socket, size: int, seconds: float) -> dict[str, Any]:
    """Messages to and fro, one after the other."""
    data, times, begin = b"x" * size, [], time.monotonic()
    while (now := time.monotonic()) - begin < seconds:
        channel.sendall(data)
        if len(exactly(channel, size)) < size:
            raise OSError("the other end has closed")
        times.append(time.monotonic() - now)
    return {"tcp_us": median(times)}


def tcp_throughput(channel: socket.socket, size: int, seconds: float) -> dict[str, Any]:
    """A stream, written in pieces of that size."""
    data, begin = b"x" * size, time.monotonic()
    while time.monotonic() - begin < seconds:
        channel.sendall(data)
    channel.shutdown(socket.SHUT_WR)
    channel.settimeout(PATIENCE + seconds)
    counted = line(channel)
    return {"tcp_mbit": rate(counted)}


def udp_latency(channel: socket.socket, size: int, seconds: float) -> dict[str, Any]:
    """Datagrams to and fro, one after the other."""
    times, begin = [], time.monotonic()
    with datagrams_to(channel) as datagrams:
        datagrams.settimeout(0.5)
        while (now := time.monotonic()) - begin < seconds:
            datagrams.send(b"x" * size)
            with contextlib.suppress(socket.timeout):
                datagrams.recv(CHUNK)
                times.append(time.monotonic() - now)
    put(channel, done=True)
    line(channel)
    return {"udp_us": median(times)}


def udp_loss(channel: socket.socket, size: int, seconds: float) -> dict[str, Any]:
    """Datagrams at a rate that no way should mind."""
    sent, begin = 0, time.monotonic()
    with datagrams_to(channel) as datagrams:
        while (now := time.monotonic() - begin) < seconds:
            if sent <= now * PACED:
                datagrams.send(b"x" * size)
                sent += 1
            else:
                time.sleep(1 / PACED / 4)
    time.sleep(0.3)
    put(channel, done=True)
    return {"udp_lost": max(1 - line(channel)["count"] / sent, 0.0)}


def udp_throughput(channel: socket.socket, size: int, seconds: float) -> dict[str, Any]:
    """As many datagrams as go: what arrives counts."""
    data, begin = b"x" * size, time.monotonic()
    with datagrams_to(channel) as datagrams:
        while time.monotonic() - begin < seconds:
            with contextlib.suppress(OSError):  # no room for it in the queue
                datagrams.send(data)
    time.sleep(0.3)
    put(channel, done=True)
    return {"udp_mbit": rate(line(channel))}


def datagrams_to(channel: socket.socket) -> socket.socket:
    """A socket to the one that the server has opened for this measurement."""
    peer = channel.getpeername()
    datagrams = socket.socket(family(peer[0]), socket.SOCK_DGRAM)
    datagrams.connect((peer[0], line(channel)["port"]))
    return datagrams


def median(times: list[float]) -> float | None:
    """In microseconds."""
    return sorted(times)[len(times) // 2] * 1e6 if times else None


def rate(counted: dict[str, Any]) -> float:
    """Megabits a second."""
    return counted["bytes"] * 8 / 1e6 / counted["seconds"] if counted["seconds"] else 0.0


def main() -> None:
    """Do what the argument says; an error is a line."""
    try:
        act()
    except OSError as error:
        sys.exit(str(error))


def act() -> None:
    """Do what the argument says."""
    asked = json.loads(sys.argv[1])
    enter(asked.get("netns", ""))
    if asked["role"] == "serve":
        serve(asked["address"])
    else:
        json.dump(measure(asked["address"], asked["port"], asked["sizes"], asked["seconds"]), sys.stdout)


if __name__ == "__main__":
    main()
