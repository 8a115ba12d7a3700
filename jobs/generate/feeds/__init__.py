"""What each source is made of; one file a source."""
