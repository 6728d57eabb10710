"""DVC as a program: its graph, its stages and experiments, what it says, and how it is ended.

DVC alone decides what is up to date. Flows and the command line for experiments start it here.
"""
