"""Trained models in MLflow: registered, fetched again, and served."""
