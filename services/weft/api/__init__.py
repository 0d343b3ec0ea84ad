"""The kinds: one definition of each, and how documents become typed objects. Pure."""
