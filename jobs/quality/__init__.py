"""Validation of tables against their suites, and of nights against their accounts."""
