"""Arrays, specs, ops, nodes, functions and random streams: what everything else is made of."""
