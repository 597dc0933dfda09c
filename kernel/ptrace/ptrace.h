/* SPDX-License-Identifier: MIT
 *
 * ptrace: what the rest of the kernel calls where a traced thread has something to tell. All
 * of these can be called for threads that nobody traces; callers look at thread->trace first
 * where it is hot. kernel/ptrace/tracee.h has the record itself.
 */
#pragma once

#include "kernel/task/proc.h"

struct siginfo;
struct trapframe;
struct wait_request;
struct wait_result;
