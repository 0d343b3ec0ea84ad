"""`subnet_change_100x200`: one subnet changed with 100 hosts and 200 subnets, beside 10 hosts and 20 subnets.

What the controller spends on it may not depend on either: the ratio is CPU in the small fabric to CPU in the large one.
"""

from __future__ import annotations

import asyncio

from tests.bench.process import ControllerProcess, controller
from tests.bench.record import Record
from tests.support.fabric import Fabric, fabric

NAMES = ("subnet_change_100x200",)
CHANGES = 20


def _subnet(number: int, mtu: int = 1400) -> str:
    spec = f"{{cidrBlock: 10.{number // 256 + 100}.{number % 256}.0/24, mtu: {mtu}}}"
    return f"apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata: {{name: s{number}}}\nspec: {spec}\n"


async def _change(hosts: int, subnets: int) -> dict[str, float]:
    """CPU milliseconds and rows of one change, in the mean of some."""
    async with fabric() as made, controller(made) as process:
        for number in range(hosts):
            await made.add_host(f"h{number}")
        await made.apply("---\n".join(_subnet(number) for number in range(subnets)))
        await _until(lambda: process.metric("weft_controller_objects", 'kind="Subnet"') == subnets + 2)
        await asyncio.sleep(1)
        before = _figures(process)
        for change in range(CHANGES):
            await made.apply(_subnet(7, 1300 + change))
            await _mtu(made, "s7", 1300 + change)
        await asyncio.sleep(0.5)
        after = _figures(process)
        return {
            "cpu_ms": (after["cpu"] - before["cpu"]) * 1000 / CHANGES,
            "rows": (after["rows"] - before["rows"]) / CHANGES,
        }


async def _mtu(made: Fabric, subnet: str, mtu: int) -> None:
    """Until hosts are told so. Seen in the database: metrics would cost the controller more."""
    while mtu not in [row["mtu"] for row in await made.rows("Subnet") if row["name"] == subnet]:
        await asyncio.sleep(0.005)


def _figures(process: ControllerProcess) -> dict[str, float]:
    return {
        "cpu": process.metric("process_cpu_seconds_total"),
        "rows": process.metric("weft_controller_rows_total"),
    }


async def _until(holds: object) -> None:
    async with asyncio.timeout(60):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def run(names: list[str]) -> list[Record]:
    small, large = await _change(10, 20), await _change(100, 200)
    parts = {"rows": large["rows"], "cpu_ms_10x20": small["cpu_ms"], "rows_10x20": small["rows"]}
    ratio = small["cpu_ms"] / large["cpu_ms"]
    return [Record("subnet_change_100x200", large["cpu_ms"], "CPU ms", small["cpu_ms"], ratio, parts)]
