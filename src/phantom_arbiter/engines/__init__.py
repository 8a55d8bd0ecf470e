"""The four engines: pure decisions, independent of one another."""
