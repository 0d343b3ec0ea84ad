"""Names of rows: a row's UUID follows from the fabric, the table, the owner and the owner's key.

So a repeated insert is refused by the server instead of made twice, rows can refer to each other before they exist, and
rows of tables without external_ids are known to be ours.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from weft.topology.rows import Ref

OWNER = "weft-owner"
"""Key in external_ids that names a row's owner."""

FABRIC = "weft-fabric"
"""Key in NB_Global.external_ids: UID of the fabric whose rows these are."""

EPOCH = "weft-epoch"
"""Key in NB_Global.external_ids: the epoch of the controller that may write."""


def row_uuid(fabric: UUID, ref: Ref) -> UUID:
    """The UUID of a row of ours: the same wherever and whenever it is computed."""
    return uuid5(fabric, f"{ref.table}\n{ref.owner}\n{ref.key}")
