"""Stage `silver`: every bronze row gets exactly one outcome."""
