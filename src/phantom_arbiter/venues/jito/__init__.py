"""Jito's block engine: bundles, tips and what became of them."""
