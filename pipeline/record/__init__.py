"""The record in MLflow: a projection of what stages leave on disk.

Stages never import MLflow, which would cost them seconds and could be away.

made_by                   what made a stage's results, in a file beside them
stage_run, flow_run       what a stage, and a flow, says of itself: into the spool
reproduction, address     what a stage is part of, and which MLflow it is for
spool                     what MLflow has not got yet, on disk
recorder                  the one process a workspace and MLflow that uploads it; waiting for it
uploader, projection      a pass over the spool, and one run of it as MLflow shows it
mlflow_store              MLflow, whose calls may all be repeated
registry, fetching        trained classifiers registered there, the best one marked; had back
"""
