"""Stage `filters`: what the filters see."""
