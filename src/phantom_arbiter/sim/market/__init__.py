"""The built-in market: seeded, endless, no network. `source.BuiltinMarket` is the way in."""
