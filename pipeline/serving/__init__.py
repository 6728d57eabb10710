"""Trained models as MLflow models that answer photos, and what `mlflow models serve` runs."""
