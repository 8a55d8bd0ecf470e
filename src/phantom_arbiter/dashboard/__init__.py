"""The dashboard: typed messages, a replica of the run that they are made from, and the two servers that carry them."""
