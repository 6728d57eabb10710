"""Fitting a network: one loop for every task, with checkpoints from which a killed run goes on."""
