"""The peer: what a competent user would build instead, with DuckDB and delta-rs.

The same night of readings and what hangs on them, with the same guarantees: every line kept in bronze, row rules with
reasons, quarantine, one row a key against all of history, row accounts by equality, gold staged, checked and published
for the touched slices only, digests, restatements. It shares no code with the project.
"""
