"""Stage `saliency`: where the networks look."""
