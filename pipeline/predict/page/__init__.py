"""The page on this machine on which one tries a photo or the camera: `make try`."""
