# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module shows of its changes with C(--diff)."""

from __future__ import annotations


def sides(pairs):
    """Pairs of what is and what is wished, by name, as the two sides of a diff."""
    return {side: {name: pair[at] for name, pair in pairs.items()} for at, side in enumerate(("before", "after"))}
