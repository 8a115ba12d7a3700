"""The compute side: stages of a night as functions from frames to frames."""
