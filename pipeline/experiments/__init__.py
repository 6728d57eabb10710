"""Named configurations and grids of them, each run as a DVC experiment beside the others."""
