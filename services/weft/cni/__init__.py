"""The CNI plugin, which is copied to hosts as a single file."""
