"""Delta tables: reading, writing, their columns and their digests."""
