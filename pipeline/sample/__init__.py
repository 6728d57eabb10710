"""Stage `sample`: draw the embedded sample faces."""
