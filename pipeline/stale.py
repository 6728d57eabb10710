"""Metrics that other parameters or data have made, and which nobody shall see beside those of now.

DVC shows each `metrics.json` that lies here, also that of a stage which it was not asked for. So
the metrics of a stage are emptied as soon as something that it follows from changes: parameters
(`pipeline.settings`), or a stage that it needs, which works again (`pipeline.shell`). An empty file
shows nothing. To DVC it is an output that was modified: when the stage is wanted, its metrics come
back from the cache if all is as it was, or it runs.

What the results that lie here follow from, dvc.lock says.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

from pipeline import disk, layout
from pipeline.dotted_keys import flatten, is_in
from pipeline.dvc_yaml import is_part, read_entries
from pipeline.errors import UserError

EMPTY = "{}\n"

Locked = Mapping[str, Mapping[str, Any]]
"""What dvc.lock says of each stage (`pipeline.dvc_yaml.read_locked`)."""


def find_stale(locked: Locked, params: Mapping[str, Any]) -> set[str]:
    """The stages whose results follow from other parameters, or from what is here no more.

    Args:
        locked: what made the results.
        params: all of params.yaml, as it is now.
    """
    made = {path: md5 for entry in locked.values() for path, md5 in _files(entry, "outs")}
    changed = {
        name
        for name, entry in locked.items()
        if _has_other_params(entry, params)
        or any(made.get(path, md5) != md5 for path, md5 in _files(entry, "deps"))
    }
    return changed.union(*(find_downstream(locked, name) for name in changed))


def find_downstream(locked: Locked, stage: str) -> set[str]:
    """The stages that need a stage, directly or not."""
    found: set[str] = set()
    rest = {stage}
    while rest:
        made = {path for name in rest for path, _ in _files(locked.get(name, {}), "outs")}
        rest = {name for name, entry in locked.items() if _reads(entry, made)} - found
        found |= rest
    return found


def empty_metrics(stages: Iterable[str]) -> None:
    """Empty the metrics of stages; DVC's cache has them then, where it may find them again."""
    paths = [layout.metrics(stage) for stage in sorted(stages)]
    contents = {path: path.read_bytes() for path in paths if path.is_file()}
    contents = {path: content for path, content in contents.items() if content != EMPTY.encode()}
    if contents:
        from pipeline.driver.metrics_cache import keep_metrics  # DVC takes a second to load

        keep_metrics(contents.values())
    for path in contents:
        disk.write_text(path, EMPTY)


def find_emptied() -> list[str]:
    """The stages whose metrics were emptied."""
    return [name for entry in read_entries() for name in entry.names if is_emptied(name)]


def is_emptied(stage: str) -> bool:
    """Whether the metrics of a stage were emptied, so that no result of it shall be shown."""
    path = layout.metrics(stage)
    return path.is_file() and path.read_bytes() == EMPTY.encode()


def refuse_emptied(stage: str) -> None:
    """See that the results of a stage are of the parameters and data that are here.

    Raises:
        UserError: its metrics were emptied.
    """
    if is_emptied(stage):
        raise UserError(
            f"{layout.folder(stage)}: of other parameters or faces than are here now; make it "
            f"again with `dvc repro {stage}`"
        )


def _files(entry: Mapping[str, Any], kind: Literal["deps", "outs"]) -> Iterator[tuple[str, str]]:
    """What a stage has read or made, with md5; from the file of `settings` nothing follows."""
    for file in entry.get(kind, ()):
        if file["path"] != layout.SETTINGS.as_posix():
            yield file["path"], file.get("md5", "")


def _reads(entry: Mapping[str, Any], made: Collection[str]) -> bool:
    """Whether a stage has read one of these files or folders, something in it, or all around it."""
    read = [path for path, _ in _files(entry, "deps")]
    return any(is_part(dep, of=out) or is_part(out, of=dep) for dep in read for out in made)


def _has_other_params(entry: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    locked, now = entry.get("params", {}).get(str(layout.PARAMS), {}), flatten(params)
    return any(
        flatten({key: value}) != {each: now[each] for each in now if is_in(each, key)}
        for key, value in locked.items()
    )
