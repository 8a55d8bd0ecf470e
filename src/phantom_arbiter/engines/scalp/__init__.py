"""The scalp engine: pods, each a small strategy with its own budget."""
