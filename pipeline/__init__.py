"""The study: from a file of 48x48 grey faces to a report on what a network makes of them."""

import os

# Before torch is loaded: a thread that waits for another one sleeps instead of spinning. Alone that
# costs nothing that can be measured; beside another busy process a training keeps a third more of
# its speed (benchmarks/beside.py).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
