/* SPDX-License-Identifier: MIT
 *
 * Core files: the memory and the registers of a process that a signal ends, for debuggers; core(5).
 */
#pragma once

#include "lib/types.h"

struct sig_record;

/* The running process is ended by signo, with that record. Where it is such a signal, RLIMIT_CORE
 * allows it and the process may be read by others of its user, its other threads end, and its core
 * file is written (kernel/task/exec/core_name.h): true when a file with its registers is there. What
 * does not go into it for the limit, for want of space or for SIGKILL is missing. Pauses. */
bool core_dump(int signo, const struct sig_record *rec);
