"""Pure functions from arrays to answers: scores, intervals, confusion, saliency, filters."""
