"""Stage `confusion`: which expressions are taken for which."""
