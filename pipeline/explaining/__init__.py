"""What the explanations share: the model that is explained, and gradient ascent."""
