"""Definitions of sources, tables, steps and run results, for all other packages. Standard library only."""
