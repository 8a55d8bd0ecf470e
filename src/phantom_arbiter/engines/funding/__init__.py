"""The funding engine: one hedged SOL position that collects funding."""

from phantom_arbiter.engines.funding.logic import FundingEngine
from phantom_arbiter.engines.funding.settings import FundingConfig, FundingState

__all__ = ["FundingConfig", "FundingEngine", "FundingState"]
