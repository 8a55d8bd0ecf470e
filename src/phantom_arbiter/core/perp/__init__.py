"""Perp venues in integers: funding, margin, fees, auctions and oracle rules, each exactly as the program does it.

One set of rules, two profiles (`profile`): ``drift-v2`` for history and exact maths, ``velocity`` for live.
"""
