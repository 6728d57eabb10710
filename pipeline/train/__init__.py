"""Stage `train`: train one classifier."""
