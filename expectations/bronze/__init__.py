"""What must hold for every feed as it landed, so that a broken one stops the night before silver."""
