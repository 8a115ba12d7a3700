"""Gold as Iceberg tables: copies for readers that do not read Delta Lake."""
