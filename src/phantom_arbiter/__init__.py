"""Phantom Arbiter: four trading engines for Solana on one kernel."""
