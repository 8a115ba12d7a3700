"""What each streamed source is made of; one file a source."""
