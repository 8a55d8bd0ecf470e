"""Pools, exact quotes and routes. Pure: states in, amounts out."""
