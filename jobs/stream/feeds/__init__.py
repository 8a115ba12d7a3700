"""The streamed feeds, one module per source."""
