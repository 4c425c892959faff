"""What operations cost: CPU time of the server process, with the load in another process."""
