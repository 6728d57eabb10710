"""Stage `ingest`: read, check and keep every face of a source."""
