"""`python -m bench`: see docs/performance.md."""

import sys

from bench.options import parsed
from bench.run import run

if __name__ == "__main__":
    arguments = sys.argv[1:]
    try:
        sys.exit(run(parsed(arguments), arguments))
    except (RuntimeError, ValueError, OSError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
