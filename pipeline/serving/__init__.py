"""Trained models in MLflow: registered, fetched again, and served."""

from importlib.metadata import version


def pinned(*packages: str) -> list[str]:
    """What serving needs; a local build such as 2.13.0+cpu is in no package index."""
    return [f"{package}=={version(package).partition('+')[0]}" for package in packages]
