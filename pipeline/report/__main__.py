"""Show the study's results again, without computing anything: `python -m pipeline.report`."""

import sys

from pipeline import layout
from pipeline.dvc_yaml import read_entries
from pipeline.errors import UserError
from pipeline.report.terminal import print_results


def main() -> None:
    """Print the results table and the report's path.

    Raises:
        UserError: the study has not been run.
    """
    if not layout.REPORT.is_file():
        raise UserError(f"{layout.REPORT}: no such file; make it with `dvc repro`")
    print_results(read_entries())


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"report: error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
