/* SPDX-License-Identifier: MIT
 *
 * Parents, children and groups of a process that ends. proc_lock is held for all of it.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

struct list;
struct proc;
struct thread;

/* Tells p's parent of a change and wakes it; tell_end: of p's end, as its status says. */
void notify_parent(struct proc *p, int code, int status);
void tell_end(struct proc *p);

/* Whether the parent declared that it will not wait. */
bool parent_ignores(const struct proc *p);

/* Whether no process of the group has a parent in the session but outside the group, when
 * `without` (may be NULL) is not counted; *stopped: whether one of them is stopped. proc_lock is
 * given up now and then. */
bool group_is_orphaned(s32 pgid, s32 sid, const struct proc *without, bool *stopped,
                       irqflags_t *flags);

/* Deals with p's group when p's link to `parent` is lost; `ending` asks once for each group.
 * True: proc_lock may have been given up. */
bool orphan_group(struct proc *p, const struct proc *parent, const struct proc *without,
                  const struct proc *ending, irqflags_t *flags);

extern bool any_subreaper; /* atomic: some process was one once */

/* Hands the children of p over to one that waits for them; zombies that nobody wants go to
 * `unwanted`, by their `sibling`, to be freed. proc_lock is given up now and then. */
void reparent_children(struct proc *p, struct list *unwanted, irqflags_t *flags);

/* The children of a thread that ends go to the first thread of its process, and hear of it if
 * they asked. proc_lock held, given up now and then. */
void pass_children_on(struct proc *p, const struct thread *t, irqflags_t *flags);
