"""Figures: arrays in, a matplotlib figure out; one module a subject."""
