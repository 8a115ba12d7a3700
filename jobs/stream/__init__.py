"""Stage `stream`: a piece of a simulated stream, batch by batch, to one of its sinks."""
