"""How fast faces are read and kept, against the usual loops, and in how much memory.

`python benchmarks/ingest.py [FILE.csv.gz] [--repeats 3]` (random faces if no file is named): the
file against a pandas loop, and the same faces as PNGs in folders against a Pillow loop. Each
measurement is a process of its own; the readers take turns and the best turn counts, since
other work on the machine only ever slows a turn down. Longer files have fewer turns: a long one
varies less.
"""

import argparse
import gzip
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from measured import Measured, report
from PIL import Image

from pipeline.faces.expressions import EXPRESSIONS, PIXELS, SIDE
from pipeline.ingest.ingest import ingest
from pipeline.ingest.sources import locate

PARTS = ("pandas", "reading", "ingest")
OF_PICTURES = ("pillow", "reading", "ingest")

Run = tuple[float, float, int, int]
"""Wall s, processor s, peak MB above the imports, faces."""

TIMES = (1, 3, 10)
"""How many times the rows of the file."""


def read_with_pandas(path: Path) -> int:
    table = pd.read_csv(path)
    rows = [np.fromstring(text, dtype=int, sep=" ") for text in table["feature"]]
    return len(np.stack(rows).astype(np.uint8))


def read_with_pillow(path: Path) -> int:
    faces = []
    for place in sorted(path.rglob("*.png")):
        with Image.open(place) as image:
            faces.append(np.asarray(image.convert("L").resize((SIDE, SIDE))))
    return len(np.stack(faces))


def read_only(path: Path) -> int:
    source = locate(str(path))
    return sum(len(batch) for batch in source.labelled[0].batches(source.labels))


def read_and_keep(path: Path) -> int:
    found, _ = ingest(locate(str(path)), "stop", path.parent / f"out-{path.name}")
    return found.labelled.faces


def write_random(path: Path, faces: int = 4000) -> None:
    """Random walks: two neighbours differ little, so the file packs about as well as faces do."""
    rng = np.random.default_rng(0)
    with gzip.open(path, "wt", compresslevel=6) as file:
        file.write("label,feature\n")
        for _ in range(faces):
            face = np.abs(rng.integers(-9, 10, PIXELS).cumsum()) % 256
            file.write(f"{rng.integers(7)},{' '.join(map(str, face))}\n")


def repeat_rows(path: Path, target: Path, times: int) -> None:
    with gzip.open(target, "wb", compresslevel=1) as out:
        for turn in range(times):
            with gzip.open(path) as file:
                header = file.readline()
                if turn == 0:
                    out.write(header)
                shutil.copyfileobj(file, out, 1 << 20)


def write_pictures(path: Path, folder: Path) -> None:
    """The file's faces as PNGs, in a folder for each expression."""
    source = locate(str(path))
    for batch in source.labelled[0].batches(source.labels):
        for face, label, row in zip(batch.pixels, batch.labels, batch.rows, strict=True):
            place = folder / EXPRESSIONS[label] / f"{row:06}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(place)


def peak() -> int:
    """Peak memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(part: str, path: Path) -> Run:
    """Run one reader in a new process."""
    command = [sys.executable, __file__, "--one", part, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, processor, memory, faces = done.stdout.split()
    return float(wall), float(processor), int(memory), int(faces)


def measure_here(part: str, path: Path) -> None:
    read = {
        "pandas": read_with_pandas, "pillow": read_with_pillow,
        "reading": read_only, "ingest": read_and_keep,
    }[part]  # fmt: skip
    memory, wall, processor = peak(), time.perf_counter(), time.process_time()
    faces = read(path)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{wall:.3f} {processor:.3f} {peak() - memory} {faces}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", choices=(*PARTS, "pillow"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return measure_here(options.one, options.file)
    with tempfile.TemporaryDirectory() as folder:
        once = Path(folder) / "1x.csv.gz"
        if options.file:
            shutil.copy(options.file, once)
        else:
            write_random(once)
        for times in TIMES:
            path = Path(folder) / f"{times}x.csv.gz"
            if times > 1:
                repeat_rows(once, path, times)
            best = measure_best(PARTS, path, max(1, options.repeats // times))
            rows = compare([f"{part}_{times}x" for part in PARTS], "pandas", best)
            if times == 1:
                note = "reading and checking every row"
                rows.append(Measured("ingest_vs_pandas", best[0][0] / best[1][0], "", ">= 4", note))
            report(rows)
        pictures = Path(folder) / "pictures"
        write_pictures(once, pictures)
        best = measure_best(OF_PICTURES, pictures, options.repeats)
        rows = compare([f"pictures_{part}" for part in OF_PICTURES], "Pillow", best)
        note = f"{best[0][3]:,} PNGs in folders, listing included"
        rows.append(Measured("pictures_vs_pillow", best[0][0] / best[1][0], "", ">= 3", note))
        report(rows)
    return None


def measure_best(parts: Sequence[str], path: Path, repeats: int) -> list[Run]:
    """The best turn of each reader; they take turns."""
    turns = [[measure(part, path) for part in parts] for _ in range(repeats)]
    return [min(runs) for runs in zip(*turns, strict=True)]


def compare(names: Sequence[str], peer: str, best: Sequence[Run]) -> list[Measured]:
    """Each reader against the first one, a peer's loop."""
    rows = []
    for name, (wall, processor, memory, faces) in zip(names, best, strict=True):
        note = f"{best[0][0] / wall:.1f} times {peer}; processor {processor:.2f} s"
        rows.append(Measured(f"{name}_faces_per_second", faces / wall, "faces/s", "", note))
        rows.append(Measured(f"{name}_memory", memory, "MB above imports"))
    return rows


if __name__ == "__main__":
    main()
