/* SPDX-License-Identifier: MIT
 *
 * What filters of calls do to a call: kernel/seccomp/chain.h.
 */
#pragma once

#include "lib/types.h"

struct thread;
struct trapframe;

/* A call of t, whose bit THREAD_FILTERED is set, begins. False: it shall not, and its result is in
 * the frame. Does not return where a filter kills the thread. */
bool must_check seccomp_enter(struct thread *t, struct trapframe *tf);
