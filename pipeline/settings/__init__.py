"""Stage `settings`: check params.yaml, and empty the metrics of other parameters."""
