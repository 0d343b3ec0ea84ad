"""What every Weft service needs from its surroundings: configuration, systemd, signals.

Configuration is TOML read into frozen dataclasses. The dataclass is the only description of the file: names,
types and defaults come from it, so an unknown key, a missing one or one of a wrong type is refused by name, with
what is allowed, before anything starts. A section that the dataclass types as `X | None` may be absent.

The notification protocol is a datagram on a socket (sd_notify(3)); it takes ten lines and no dependency.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import os
import signal
import socket
import sys
import tomllib
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol, TypeVar, Union

from weft import log

T = TypeVar("T")
_log = log.get_logger(__name__)

COLLECT_AFTER = (2_000, 20, 500)
"""Allocations between collections of garbage (gc.set_threshold). Replicas are many small objects that stay: with
Python's own 700, 10, 10 more than half of the time to make them goes to the last generation, which looks at
all of them again. The first is collected often: each failed TLS handshake leaves a cycle of 300 kB."""


class ConfigError(Exception):
    """A configuration file cannot be used; the text names file, key, what was got and what is allowed."""


# --- configuration ---


@dataclasses.dataclass(frozen=True)
class Remote:
    """A section that only says where a database is: `remote = "ssl:192.0.2.1:6641,ssl:192.0.2.2:6641"`."""

    remote: str


@dataclasses.dataclass(frozen=True)
class LogConfig:
    """The section `[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Configuration(Protocol):
    """What every service's configuration has."""

    @property
    def log(self) -> LogConfig: ...


C = TypeVar("C", bound=Configuration)


def load_config(path: str | Path, kind: type[T]) -> T:
    """Read the TOML file at `path` into the dataclass `kind`; raises ConfigError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    try:
        return parse_config(document, kind)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse_config(document: Mapping[str, object], kind: type[T]) -> T:
    """The dataclass `kind` made from an already parsed document; raises ConfigError."""
    return typing.cast("T", _section(document, kind, ""))


def _section(value: object, kind: Any, where: str) -> object:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: got {value!r}, expected a table of keys")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(set(value) - set(fields)):
        raise ConfigError(f"{_join(where, unknown[0])}: no such key; allowed are {', '.join(sorted(fields))}")
    arguments = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _value(value[name], hints[name], _join(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{_join(where, name)}: is missing; expected {_name(hints[name])}")
    try:
        return kind(**arguments)
    except ValueError as error:
        raise ConfigError(f"{where or 'file'}: {error}") from error


def _value(value: object, hint: Any, where: str) -> object:
    origin, parameters = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        hint = next(part for part in parameters if part is not types.NoneType)
        return _value(value, hint, where)
    if origin is Literal:
        if value not in parameters:
            raise ConfigError(f"{where}: got {value!r}, allowed are {', '.join(map(str, parameters))}")
        return value
    if dataclasses.is_dataclass(hint):
        return _section(value, hint, where)
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise ConfigError(f"{where}: got {value!r}, expected {_name(hint)}")
        return origin(_value(item, parameters[0], f"{where}[{index}]") for index, item in enumerate(value))
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: got {value!r}, expected a table of keys")
        return {key: _value(item, parameters[1], _join(where, key)) for key, item in value.items()}
    return _scalar(value, hint, where)


def _scalar(value: object, hint: Any, where: str) -> object:
    if hint is float and type(value) is int:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if type(value) is not hint:
        raise ConfigError(f"{where}: got {value!r}, expected {_name(hint)}")
    return value


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _name(hint: Any) -> str:
    names: dict[Any, str] = {
        str: "a string",
        int: "an integer",
        float: "a number",
        bool: "true or false",
        Path: "a path",
    }
    if typing.get_origin(hint) in (list, tuple):
        return f"a list of {_name(typing.get_args(hint)[0]).split(' ', 1)[-1]}s"
    return names.get(hint, "a table of keys")


# --- systemd ---


def sd_notify(*states: str) -> bool:
    """Tell the service manager, as in `sd_notify("READY=1", "STATUS=synchronised")`; False if there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.connect(address)
            channel.sendall("\n".join(states).encode())
        except OSError as error:
            _log.warning("service manager not told", error=error)
            return False
    return True


def watchdog_interval() -> float | None:
    """Seconds between two `WATCHDOG=1`: half of the unit's WatchdogSec=, as its manual advises."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC")
    return int(microseconds) / 2e6 if microseconds else None


async def _keep_watchdog_fed(interval: float) -> None:
    while True:
        sd_notify("WATCHDOG=1")
        await asyncio.sleep(interval)


# --- running ---


async def until_stopped(serve: Callable[[], Awaitable[None]]) -> None:
    """Run `serve` until it returns or the process is asked to stop; then cancel it and let it clean up."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(serve())
    feeder = asyncio.ensure_future(_keep_watchdog_fed(interval)) if (interval := watchdog_interval()) else None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        _log.info("stopping, as asked")
    finally:
        sd_notify("STOPPING=1")
        if feeder:
            feeder.cancel()


def run(serve: Callable[[], Awaitable[None]], level: str = "info") -> int:
    """Run a service to its end and give its exit status: 0 when asked to stop, 1 for a failure (logged)."""
    log.setup(level)
    gc.set_threshold(*COLLECT_AFTER)
    try:
        asyncio.run(until_stopped(serve))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception:  # noqa: BLE001 - the last place that can log it
        _log.exception("service failed")
        return 1
    return 0


def main(
    name: str, about: str, kind: type[C], serve: Callable[[C], Awaitable[None]], arguments: list[str] | None = None
) -> NoReturn:
    """The program `weft-NAME`: reads its configuration (/etc/weft/NAME.toml) and serves until it is stopped."""
    parser = argparse.ArgumentParser(prog=f"weft-{name}", description=about)
    parser.add_argument(
        "--config", default=f"/etc/weft/{name}.toml", metavar="FILE", help="configuration file (default: %(default)s)"
    )
    try:
        config = load_config(parser.parse_args(arguments).config, kind)
    except ConfigError as error:
        sys.exit(f"error: {error}")
    sys.exit(run(lambda: serve(config), config.log.level))
