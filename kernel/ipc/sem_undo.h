/* SPDX-License-Identifier: MIT
 *
 * What a thread's end takes back of its semaphore operations (SEM_UNDO).
 */
#pragma once

#include "kernel/ipc/sem.h"

/* The running thread's undo of s, made if there is none yet. s->lock held. -ENOMEM. */
int must_check sem_undo_get(struct sem_set *s, struct sem_undo **out);
/* s is removed. s->lock held. */
void sem_undo_forget(struct sem_set *s);
/* clone(CLONE_SYSVSEM): the new thread shares the running thread's list. -ENOMEM. */
int must_check sem_undo_share(struct thread *t);
/* The running thread ends, or wants its own: its list loses a holder, the last one's is done.
 * Also for a thread that never ran. */
void sem_undo_leave(struct thread *t);
