"""Reads logs of hosts: printed, followed, or kept in files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from weft.ctl.errors import CtlError
from weft.ctl.hosts.run import Hosts
from weft.ctl.logs.layers import LAYERS, Choice, readers

Say = Callable[[str, str, str], None]
"""Takes a host, a layer and a line."""
TIMEOUT = 120.0


async def show(hosts: Hosts, names: Sequence[str], choice: Choice, say: Say) -> list[str]:
    """Give what there is to `say`, host by host; what could not be read comes back."""
    problems: list[str] = []
    for host in names:
        for layer, line in readers(choice):
            text, problem = await _text(hosts, host, line)
            problems += [problem] if problem else []
            for item in text.splitlines():
                say(host, layer, item)
    return problems


async def follow(hosts: Hosts, names: Sequence[str], choice: Choice, say: Say) -> None:
    """Give each new line to `say` until somebody stops it."""
    async with asyncio.TaskGroup() as tasks:
        for host in names:
            for layer, line in readers(replace(choice, follow=True)):
                tasks.create_task(_follow(hosts, host, layer, line, say))


async def _follow(hosts: Hosts, host: str, layer: str, line: Sequence[str], say: Say) -> None:
    process = await asyncio.create_subprocess_exec(
        *hosts.places.command(host, line),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async for item in process.stdout:
            say(host, layer, item.decode(errors="replace").rstrip("\n"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def save(hosts: Hosts, names: Sequence[str], choice: Choice, folder: Path) -> tuple[list[Path], list[str]]:
    """Write `folder/HOST/LAYER.log`, and what describes the host; the files, and what could not be read."""
    results = await asyncio.gather(*(_save(hosts, host, choice, folder / host) for host in names))
    return [path for files, _ in results for path in files], [text for _, texts in results for text in texts]


async def _save(hosts: Hosts, host: str, choice: Choice, folder: Path) -> tuple[list[Path], list[str]]:
    parts: dict[str, list[str]] = {}
    problems: list[str] = []
    wanted = [(layer, line) for layer, line in readers(choice)]
    for layer in choice.layers:
        wanted += [(f"{layer}-{name}", list(line)) for name, line in (LAYERS[layer].commands or {}).items()]
    for name, line in wanted:
        text, problem = await _text(hosts, host, line)
        problems += [problem] if problem else []
        if text:
            parts.setdefault(name, []).append(text)
    return await asyncio.to_thread(_write, folder, parts), problems


def _write(folder: Path, parts: dict[str, list[str]]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, texts in parts.items():
        path = folder / f"{name}.log"
        path.write_text("".join(texts), encoding="utf-8")
        files.append(path)
    return files


async def _text(hosts: Hosts, host: str, line: Sequence[str]) -> tuple[str, str]:
    """What is printed, and why nothing is. A file that is not there is no problem: not every host has every layer."""
    try:
        ran = await hosts.run(host, line, timeout=TIMEOUT)
    except CtlError as error:
        return "", error.lines[0]
    if ran.code and not ran.out and line[0] != "tail":
        return "", f"host {host}: {line[0]}: {ran.words}"
    return ran.out, ""
