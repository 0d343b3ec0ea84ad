"""The central databases: what their members say, who leads, who is thrown out, and backups."""
