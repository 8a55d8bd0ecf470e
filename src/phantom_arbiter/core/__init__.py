"""The pure kernel: events, intents, orders, the vaults, the gates."""
