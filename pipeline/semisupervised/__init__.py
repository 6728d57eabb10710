"""Stage `semisupervised`: what unlabelled faces are worth."""
