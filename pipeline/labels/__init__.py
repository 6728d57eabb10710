"""Stage `labels`: faces whose label is probably wrong."""
