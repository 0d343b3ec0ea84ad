"""`trace`: what would become of a packet, by OVN's tables and by the flows of the hosts that it crosses."""
