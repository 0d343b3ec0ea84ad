# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python3 -m tuning.each_boot FILE`: what the unit runs at each boot. The wish is the JSON object in the file."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from . import apply_running, hugepages, nics
from .host import Host, TuningError

WAIT_FOR_NICS = 60


def main(path):
    host = Host()
    with open(path) as file:
        wish = json.load(file)
    # Drivers are loaded, and interfaces renamed, by what udev still has to do.
    subprocess.run(["udevadm", "settle", "--timeout=%d" % WAIT_FOR_NICS], capture_output=True, check=False)
    deadline = time.monotonic() + WAIT_FOR_NICS
    while nics.problems(host, wish["nics"]) and time.monotonic() < deadline:
        time.sleep(0.2)
    try:
        problems = hugepages.problems(host, wish["hugepages"]) + nics.problems(host, wish["nics"])
        return "\n".join(problems or apply_running(host, wish)) or 0
    except TuningError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
