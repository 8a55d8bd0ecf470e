"""The built-in market, the fill models and the driver that answers without a venue."""
