"""Stage `generate`: one night of simulated IoT data, landed as files."""
