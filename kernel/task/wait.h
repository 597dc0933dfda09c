/* SPDX-License-Identifier: MIT
 *
 * Children that wait to be waited for.
 */
#pragma once

#include "lib/types.h"

struct proc;

/* Puts a zombie among those its parent can wait for, in the order they were born in.
 * proc_lock held. */
void zombie_queue(struct proc *p);
