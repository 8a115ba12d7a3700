"""How each silver table is computed from others, or its bronze rows; one file a table."""
