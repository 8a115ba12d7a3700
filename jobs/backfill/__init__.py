"""A range of nights in bulk, to the same tables as night by night."""
