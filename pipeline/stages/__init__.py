"""One thin module a DVC stage: read files, call pure functions, write files.

Each runs as `python -m pipeline.stages.NAME` from the project's folder; DVC does just that.
"""
