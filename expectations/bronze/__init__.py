"""Suites of the feeds as they landed: a broken feed stops the night before silver."""
