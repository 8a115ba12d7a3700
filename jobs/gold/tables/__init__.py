"""How each gold table is computed; one file a table."""
