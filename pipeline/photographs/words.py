"""Near-copies, and what the labels of one photograph allow a network to reach, in words."""

from pipeline.photographs.agreement import FEWEST
from pipeline.photographs.result import Agreement, Copies, PhotographsResult
from pipeline.wording.numbers import count, counted, percent, percent_range


def copies(found: Copies) -> str:
    """How many near-copies there are."""
    kind = "the same photograph in another brightness, size or crop, with a watermark, or mirrored"
    if not found.near_copies:
        sentence = f"No labelled face is found to be a near-copy of another ({kind})."
    else:
        verb = "is a near-copy" if found.near_copies == 1 else "are near-copies"
        sentence = (
            f"{counted(found.near_copies, 'labelled face')} {verb} of another: {kind}. With the "
            f"exact copies of these, {count(found.faces)} faces show "
            f"{counted(found.photographs, 'photograph')}."
        )
    if found.shared:
        verb = "is a near-copy" if found.shared == 1 else "are near-copies"
        sentence += f" {counted(found.shared, 'unlabelled face')} {verb} of a labelled one."
    return sentence


def ceiling(result: PhotographsResult, right: float | None) -> list[str]:
    """What a network can reach at best on these labels, as far as copies say.

    `right` is the share of the labels that are right, where it is known.
    """
    near, exact = (result.agreement.get(kind) for kind in ("near_copies", "exact_copies"))
    if near:
        return [_bound("near-copies", near), _WHOSE, *_also(exact)]
    if not exact:
        return [
            "What a network can reach at best on these labels cannot be estimated: fewer than "
            f"{FEWEST} photographs have two labels."
        ]
    doubt = (
        "If labels were copied with the faces, this is too high."
        if right is None
        else f"The sample labels each face by itself, {percent(1 - right)} of them wrongly: "
        f"whoever knew the truth would reach {percent(right)}."
    )
    return [_bound("exact copies", exact), doubt]


_WHOSE = (
    "This takes each label for an opinion of its own, and photographs that are there twice for "
    "ones like the others, which need not be so: a photograph that was found under two expressions "
    "is one that people see in two ways."
)


def _bound(kind: str, found: Agreement) -> str:
    agree, greatest = found.agree, found.ceiling
    return (
        f"Two labels of one photograph agree with a probability of {percent(agree.value)} (95% "
        f"interval {percent_range(agree)}), by {count(found.photographs)} photographs with "
        f"{kind}. So on labels like these no network can be expected to exceed "
        f"{percent(greatest.value)} ({percent_range(greatest)}): not even one that knows how often "
        "people call each face what, and names what they call it most. It reaches that if all "
        "faces are equally doubtful and the doubt is spread evenly over the other expressions, and "
        f"only {percent(agree.value)} if some are beyond doubt and the others as doubtful as a "
        "coin."
    )


def _also(exact: Agreement | None) -> list[str]:
    if not exact:
        return []
    return [
        f"Labels of exact copies agree with {percent(exact.agree.value)} "
        f"({percent_range(exact.agree)}; {count(exact.photographs)} photographs); some may have "
        "been copied with the face, so they say nothing of what people see."
    ]
