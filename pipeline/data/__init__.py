"""Faces: reading and checking them, keeping them, drawing sample ones, splitting, augmenting."""
