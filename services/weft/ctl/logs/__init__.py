"""`log`: what all layers of hosts have written."""
