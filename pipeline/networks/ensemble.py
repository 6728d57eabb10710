"""Several networks side by side that answer with one voice."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def members(network: nn.Module) -> dict[str, nn.Module]:
    """The single networks of an ensemble by their names in it, or the network itself under ""."""
    return dict(network.named_children()) if isinstance(network, Ensemble) else {"": network}


def count_members(model: nn.Module) -> int:
    """How many networks answer together in a model: 1 where it holds no ensemble."""
    return next((len(members(part)) for part in model.modules() if isinstance(part, Ensemble)), 1)


class Ensemble(nn.Module):
    """Members of one design from different random weights; the mean of their logits answers.

    In training each face of a batch goes to one member, which chance picks anew in every epoch:
    members learn at the same time, in the same loop, apart from one another (but `cutmix` shows
    squares of other members' faces). An epoch costs what it costs a single network, so `epochs` and
    `batch` are to be as many times larger as there are members. The mean over a batch makes a
    member's gradient that much smaller: AdamW does not mind, SGD needs a learning rate that is as
    many times larger.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        for number, member in enumerate(members, start=1):
            self.add_module(f"member{number}", member)

    def forward(self, faces: Tensor) -> Tensor:
        """Normalised faces (N, 1, 48, 48) to logits (N, 7): in training each by its own member."""
        members = list(self.children())
        if self.training:
            # In turn, as cards are dealt.
            every = len(members)
            dealt = [member(faces[first::every]) for first, member in enumerate(members)]
            places = torch.arange(len(faces), device=faces.device)
            order = torch.cat([places[first::every] for first in range(every)])
            return torch.cat(dealt)[order.argsort()]
        return torch.stack([member(faces) for member in members]).mean(dim=0)
