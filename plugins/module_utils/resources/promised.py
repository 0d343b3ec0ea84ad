# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode takes for granted: objects that an earlier task of the same play would have made, or deleted. Pure.

A store judges a change by what is there. In check mode an earlier task has left nothing there, so that a refusal for
the lack of an object, or for its users, says nothing about the real run. It becomes a warning.
"""

from __future__ import annotations

import re

_REASON = re.compile(
    r"(?:^|: )(?:"
    r"[A-Z][A-Za-z]*/\S+ does not exist"
    r'|namespaces "\S+" not found'
    r"|is in use by \d+ [a-z]+: .+"
    r")$"
)


def is_promised(refusal):
    """Return whether a refusal says that something is not there yet, or not gone yet.

    What it says beside that may follow from it: who is in a namespace that is not there is in the default subnet.
    """
    return any(_REASON.search(reason) for reason in refusal.split("; "))
