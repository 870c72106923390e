"""A process that migrates a database, for tests of several at once: `python -m tests.support.migrator ADDRESS`.

Says `ready`, waits for a line, then prints how many steps it applied.
"""

import asyncio
import sys

from calloff.db.migrate import migrate

if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    print(len(asyncio.run(migrate(sys.argv[1]))), flush=True)
