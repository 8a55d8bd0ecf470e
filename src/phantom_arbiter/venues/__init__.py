"""Adapters to venues: bytes to structs, and the clients that carry them."""
