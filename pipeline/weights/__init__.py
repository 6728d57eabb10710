"""The trained network that is at hand in `weights/`, and the card that says what it is worth."""
