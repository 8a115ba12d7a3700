"""The simulated feeds, one module per source."""
