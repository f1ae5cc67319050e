"""Imported before Jupyter: jsonschema finds no grammar of IRIs, and builds none.

It takes a second of every server's start, for a format that no schema of a server's events or notebooks has.
"""

import sys
from types import ModuleType
from typing import cast

# Python's import system takes None for "this module is not there"
sys.modules.setdefault("rfc3987_syntax", cast("ModuleType", None))
