#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# compile_commands.json for editors: mkcompdb.py "COMPILER FLAGS..." FILE...
import json
import os
import sys

command, files = sys.argv[1], sys.argv[2:]
json.dump(
    [{"directory": os.getcwd(), "file": f, "command": f"{command} -c {f}"} for f in files],
    sys.stdout, indent=1)
print()
