"""Scores and their intervals: what a figure is worth."""
