"""Maintenance of tables and pages, and commands about versions of a table: list, read, restore, export."""
