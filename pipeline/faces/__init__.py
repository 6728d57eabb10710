"""What a face is: its expression, its store on disk, and how it is changed in training."""
