"""The journal, the read models and the market-data catalogue."""
