"""`make faults`: runs for `SECONDS`, from `SEED`; fails if a promise was broken, or if too little was tried."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.run import run

_WORTH_IT = 1 / 10
"""The least share of cancels that has to fall into the dialing of a call."""


def main() -> int:
    """Run, and print what came of it; 1 if it was not well."""
    seconds = float(os.environ.get("SECONDS", "300"))
    seed = int(os.environ.get("SEED") or time.time())
    with tempfile.TemporaryDirectory(prefix="calloff-faults-") as directory:
        Path(directory).chmod(0o755)
        outcome = asyncio.run(run(Path(directory), seconds=seconds, seed=seed))
    print(f"seed {seed}, {seconds:.0f} s\n{outcome.report()}")
    return 1 if outcome.violations or outcome.into_dialing < outcome.cancels * _WORTH_IT else 0


if __name__ == "__main__":
    sys.exit(main())
