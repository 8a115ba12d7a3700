"""What landed, as it came: one bronze row per line."""
