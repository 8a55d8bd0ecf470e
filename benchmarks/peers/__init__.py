"""Adapters that run in a peer's own environment: standard library and the peer, nothing of ours."""
