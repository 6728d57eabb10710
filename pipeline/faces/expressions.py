"""The seven expressions, in the order of FER2013's labels."""

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Name of each class; the index is the label in every file and every logit vector."""

SIDE = 48
"""Height and width of a face in pixels."""

PIXELS = SIDE * SIDE
"""Grey values a face, row by row from the top left: 2,304."""
