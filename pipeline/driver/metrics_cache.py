"""Metrics in DVC's cache: git keeps them, but DVC puts a stage back only from its cache."""

import hashlib
from collections.abc import Iterable


def keep_metrics(contents: Iterable[bytes]) -> None:
    """Put the contents of metrics files into the cache of the project that this process works in.

    DVC reuses the results of a stage only if all of them are in its cache. Metrics are there where
    the stage has run, but a clone or `dvc pull` does not bring them. Outside a project of DVC's,
    nothing is kept.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            for content in contents:
                key = hashlib.md5(content, usedforsecurity=False).hexdigest()
                if not repo.cache.local.exists(key):
                    repo.cache.local.add_bytes(key, content)
    except NotDvcRepoError:
        return
