"""The arb engine: cycles of two or three swaps that end in the asset they began with."""
