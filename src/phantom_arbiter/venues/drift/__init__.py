"""Drift v2 and Velocity: wire formats of both, bytes to typed values."""
