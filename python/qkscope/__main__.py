"""`python -m qkscope`: the command `qkscope`."""

import sys

from ._command import qkscope

sys.exit(qkscope())
