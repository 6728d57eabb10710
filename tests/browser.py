"""The Chromium that is on this machine, driven by playwright; tests skip where there is none."""

import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip

needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium here: apt-get install chromium")


def find_playwright():
    """The driver's synchronous half."""
    pytest.importorskip("playwright", reason="no driver here: make .venv/installed-for-browser")
    from playwright import sync_api

    return sync_api
