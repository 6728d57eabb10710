"""Stage `evaluate`: score both classifiers on the held-out faces."""
