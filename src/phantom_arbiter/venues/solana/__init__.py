"""Solana: accounts, transactions and the one place that holds a key."""
