"""Proving tables against their suites, and nights against their accounts."""
