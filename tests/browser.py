"""The Chromium that is on this machine, driven by playwright; tests skip where there is none."""

import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip

needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium here: apt-get install chromium")


PATIENCE = 60_000
"""Milliseconds that a page gets for what is asked of it: servers give way to other tests."""


def find_playwright():
    """The driver's synchronous half, whose `expect` is patient."""
    pytest.importorskip("playwright", reason="no driver here: make .venv/installed-for-browser")
    from playwright import sync_api

    sync_api.expect.set_options(timeout=PATIENCE)
    return sync_api
