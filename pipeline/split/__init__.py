"""Stage `split`: part the labelled faces into train, validation and test."""
