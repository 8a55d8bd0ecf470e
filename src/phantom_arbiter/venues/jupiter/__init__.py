"""Jupiter: instructions of a swap that it routes, in the place of our own."""
