"""From objects to rows: what the databases ought to hold, one feature a file. Pure: no clock, no socket, no log."""
