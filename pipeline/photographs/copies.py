"""How many faces are near-copies of others: of one photograph, but not pixel by pixel."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.faces.photographs import Photographs
from pipeline.photographs.result import Copies

Sums = NDArray[np.object_]
"""MD5 of each face, by which exact copies are known, (N,)."""


def count_copies(photographs: Photographs, labelled: Sums, unlabelled: Sums) -> Copies:
    """Count near-copies, by the sums of the labelled faces and of the others."""
    table = pd.DataFrame({"photograph": photographs.labelled, "md5": labelled})
    versions = table.groupby("photograph")["md5"].nunique()
    several = versions[versions > 1]
    also_labelled = np.isin(photographs.unlabelled, photographs.labelled)
    return Copies(
        photographs=len(several),
        faces=int(table["photograph"].isin(several.index).sum()),
        near_copies=int((several - 1).sum()),
        shared=int((also_labelled & ~np.isin(unlabelled, labelled)).sum()),
    )
