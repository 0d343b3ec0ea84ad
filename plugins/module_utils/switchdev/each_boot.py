# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python3 -m DIRECTORY.switchdev.each_boot FILE`: what the unit runs at each boot; the file has the wish as JSON."""

from __future__ import annotations

import json
import sys
import time

from . import apply, devices, examine
from .devices import DeviceError, Kernel

WAIT_FOR_DEVICES = 60


def main(path):
    kernel = Kernel()
    with open(path) as file:
        wish = json.load(file)
    try:
        kernel.settle()
        deadline = time.monotonic() + WAIT_FOR_DEVICES
        while devices.resolve(kernel, wish["devices"])[1] and time.monotonic() < deadline:
            time.sleep(0.2)
        found, problems = examine(kernel, wish)
        if problems:
            return "\n".join(problems)
        apply(kernel, found)
    except DeviceError as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
