/* SPDX-License-Identifier: MIT
 *
 * Sending a signal on behalf of a program.
 */
#pragma once

#include "kernel/task/threads.h"

/* kill(2) to just this process; info: a siginfo_t of the program, 0: none. */
long signal_to_process(const struct task_id *id, int signo, vaddr_t info);
