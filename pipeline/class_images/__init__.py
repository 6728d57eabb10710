"""Stage `class_images`: what each expression looks like to the networks."""
