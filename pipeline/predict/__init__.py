"""Stage `predict`: name the expressions of the unlabelled faces, as Kaggle wants them."""
