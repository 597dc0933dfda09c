/* SPDX-License-Identifier: MIT
 *
 * A program below the host's files, when tools/run asked for that.
 */
#pragma once

/* Changes into them, for a program of this process: returns after that, or at once when nobody
 * asked; 0, or -1 with errno and what it was about in *what. */
int host_enter(const char **what);
