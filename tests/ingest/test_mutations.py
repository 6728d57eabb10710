"""Damage to any form of source is found, or harmless: never another face, never a traceback."""

import pytest

from .mutations import FORMS, campaign


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", FORMS)
def test_no_damaged_source_is_read_wrongly(form):
    """A short campaign; `python -m tests.ingest.mutations 2000` is a long one."""
    assert campaign(form, 20).total() == 20
