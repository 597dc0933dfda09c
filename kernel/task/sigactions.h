/* SPDX-License-Identifier: MIT
 *
 * Tables of signal actions, which processes may share.
 */
#pragma once

#include "lib/types.h"

struct sigactions;

/* Tables of actions. copy: NULL no memory; from NULL: all default. */
struct sigactions *sigactions_copy(struct sigactions *from);
void sigactions_get(struct sigactions *a);
void sigactions_put(struct sigactions *a); /* NULL is none */

/* Caught signals get their default action, ignored ones stay. Not shared. */
void sigactions_reset(struct sigactions *a);
