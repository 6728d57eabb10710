"""The section `filters` of params.yaml, typed."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.errors import UserError
from pipeline.params import Ascent, Count, Params, shown


class Filters(Ascent):
    """Activation maximisation: which layers, how many filters, how long."""

    layers: Annotated[list[str], Field(min_length=1, max_length=100)] | Literal["auto"]
    filters: Count
    strongest: Count
    random: Count
    face: Annotated[int, Field(ge=0, lt=2**31)]

    def check(self, params: Params) -> None:
        """See that the CNN has the layers; only a network knows them.

        Raises:
            UserError: it has not.
        """
        if self.layers == "auto":  # then nothing is to be checked, and torch is not imported
            return
        from pipeline.filters.activations import require_maps

        network = params.train.cnn.network
        try:
            require_maps(network, self.layers)
        except UserError as error:
            raise UserError(f"layers = {shown(self.layers)}: {network}: {error}") from None
