"""python -m lmbench"""

import sys

from lmbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
