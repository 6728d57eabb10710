"""Stage `lime`: which parts of a face decide."""
