"""Backtests, sweeps and reports."""
