"""Swap instructions of each DEX's own program, and the token instructions around them. Pure: keys in, bytes out."""
