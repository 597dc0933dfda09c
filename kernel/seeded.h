/* SPDX-License-Identifier: MIT
 *
 * Faults on purpose, so that tests see that the sanitizers report them.
 */
#pragma once

/* With `fault=NAME` on the command line of a kernel built with KASAN=1 or UBSAN=1: makes that
 * fault, once memory is there. Panics when the sanitizer did not see it. */
void seeded_fault(void);
