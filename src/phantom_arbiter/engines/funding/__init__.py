"""The funding engine: one hedged SOL position that collects funding."""

from phantom_arbiter.engines.funding.logic import FundingEngine
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.funding.state import FundingState

__all__ = ["FundingConfig", "FundingEngine", "FundingState"]
