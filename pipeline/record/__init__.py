"""The record in MLflow: a projection of what stages leave on disk.

A stage's shell writes how the stage began and ended (`stage_run`) into a spool (`spool`) and keeps
its results there. One process a workspace and MLflow (`recorder`) uploads them (`uploader`). Stages
never import MLflow, which would cost them seconds and could be away.
"""
