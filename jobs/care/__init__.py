"""Care of tables by hand: their versions, what they held, putting them back, taking copies out."""
