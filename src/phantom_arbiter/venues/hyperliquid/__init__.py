"""Hyperliquid, read only."""
