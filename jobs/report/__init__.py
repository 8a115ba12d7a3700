"""The night's page and the answers to the demo queries."""
