"""What `mlflow models serve` runs: pictures in, out what `python -m pipeline.predict` says of them.

MLflow runs this file where the model is loaded ("models from code"): nothing is unpickled.
"""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

from pipeline.detection.pictures import read_picture
from pipeline.errors import UserError
from pipeline.networks.store import load_classifier
from pipeline.params import TTA
from pipeline.predict.recogniser import Recogniser
from pipeline.serving.saving import CLASSIFIER, COLUMN

FORM = f'{{"dataframe_split": {{"columns": ["{COLUMN}"], "data": [["BASE64"], ...]}}}}'


class BadRequest(MlflowException):  # type: ignore[misc]  # MLflow has no types
    """What the server answers with 400, in one line that stays as it is."""

    def __init__(self, line: str) -> None:
        super().__init__(line, error_code=INVALID_PARAMETER_VALUE)
        self._line = line

    @property
    def message(self) -> str:
        """The line."""
        return self._line

    @message.setter
    def message(self, text: str) -> None:
        """Nothing: MLflow would put all data before it, over several lines."""


class Served(PythonModel):  # type: ignore[misc]
    """Pictures, base64 or bytes, to the faces in each and their expressions."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the network and how it answers, once."""
        how = context.model_config
        self.recogniser = Recogniser(
            load_classifier(Path(context.artifacts[CLASSIFIER])),
            how["temperature"],
            how["not_sure"],
            TTA(**how["tta"]),
        )

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """For each picture `{"faces": [...]}`, as the command's JSON has them.

        Raises:
            BadRequest: the request is not a column of pictures.
        """
        del context
        if not isinstance(model_input, pd.DataFrame) or COLUMN not in model_input:
            raise BadRequest(f"there is no column {COLUMN!r}; send {FORM}")
        is_face = bool((params or {}).get("face"))
        found = []
        for number, sent in enumerate(_unfold(model_input[COLUMN]), start=1):
            name = f"{COLUMN} {number}"
            try:
                picture = read_picture(_as_bytes(sent, name), name)
                answers = self.recogniser.recognise(picture, is_face=is_face)
            except UserError as error:
                raise BadRequest(str(error)) from None
            found.append({"faces": [answer.as_json() for answer in answers]})
        return found


def _unfold(column: Iterable[Any]) -> Iterator[Any]:
    """The pictures of a column; of `{"inputs": {"picture": [...]}}` MLflow makes a single row."""
    for sent in column:
        yield from sent if isinstance(sent, list) else [sent]


def _as_bytes(sent: Any, name: str) -> bytes:
    if isinstance(sent, bytes):
        return sent
    if not isinstance(sent, str):
        raise UserError(f"{name}: {type(sent).__name__} is neither base64 nor bytes; send {FORM}")
    try:
        return base64.b64decode(sent, validate=True)
    except ValueError:
        raise UserError(f"{name}: not base64; send {FORM}") from None


set_model(Served())
