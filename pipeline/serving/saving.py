"""A trained model as an MLflow model that takes pictures, for `mlflow models serve`."""

import shutil
import tempfile
import warnings
from pathlib import Path

from pipeline.errors import UserError
from pipeline.networks.store import save_classifier
from pipeline.predict.recogniser import Recogniser
from pipeline.record.mlflow_store import prepare_environment
from pipeline.record.registry import pinned

COLUMN = "picture"
"""Of a request: an image file, as base64 or as bytes."""

CLASSIFIER = "classifier"
"""Of the model's files: the folder with weights and description."""

NEEDED = (
    "numpy", "opencv-python-headless", "pandas", "pillow", "pydantic", "ruamel.yaml", "safetensors",
    "torch",
)  # fmt: skip
"""Packages of which the served code imports modules."""

_PACKAGE = Path(__file__).parents[1]


def save_served(recogniser: Recogniser, folder: Path) -> None:
    """Write a recogniser, as a new MLflow model, with the code that it runs (`served.py` first).

    Raises:
        UserError: there is such a folder already.
    """
    if folder.exists():
        raise UserError(f"{folder}: is there already; choose a new folder, or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    prepare_environment()
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    # Of any type: what is wrong with a request is said by the model, in one line.
    columns = Schema([ColSpec(AnyType(), COLUMN, required=False)])
    face = ParamSchema([ParamSpec("face", DataType.boolean, default=False)])
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory() as made, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of type hints that MLflow would like
            classifier = Path(made) / CLASSIFIER
            save_classifier(recogniser.classifier, classifier)
            mlflow.pyfunc.save_model(
                partial,
                python_model=str(Path(__file__).with_name("served.py")),
                artifacts={CLASSIFIER: str(classifier)},
                code_paths=[str(_PACKAGE)],
                model_config={
                    "temperature": recogniser.temperature,
                    "not_sure": recogniser.not_sure,
                    "tta": recogniser.tta.model_dump(),
                },
                signature=ModelSignature(inputs=columns, params=face),
                pip_requirements=pinned(*NEEDED),
            )
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
