"""The networks by name, their layers, and how a trained one is kept."""
