"""Files, versions and pages: keeping, looking back, putting back."""
