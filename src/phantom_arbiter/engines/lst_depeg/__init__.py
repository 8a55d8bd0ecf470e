"""The LST engine: buys liquid staking tokens below what their stake pools owe, and sells them on re-peg."""

from phantom_arbiter.engines.lst_depeg.logic import LstEngine
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, LstState

__all__ = ["LstConfig", "LstEngine", "LstState"]
