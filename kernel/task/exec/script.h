/* SPDX-License-Identifier: MIT
 *
 * The first line of a script.
 */
#pragma once

#include "lib/types.h"

/* Splits "#! interpreter [argument]" in place; line: SCRIPT_LINE_MAX bytes, zeros behind a
 * shorter file. A line that does not end in there is cut, but the interpreter's name must be
 * whole: a blank or NUL follows it. -ENOEXEC: it is not, or there is none; a NUL in its place
 * is the name "". */
int script_parse(char *line, char **interp, char **arg);
