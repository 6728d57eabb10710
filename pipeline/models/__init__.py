"""Networks by name, the classifier around them, and how both are kept on disk."""
