/* SPDX-License-Identifier: MIT
 *
 * Core files: the memory and the registers of a process that a signal ends, for debuggers; core(5).
 */
#pragma once

#include "lib/types.h"

struct sig_record;

/* What goes into core files: /proc/PID/coredump_filter; fork and exec keep it. */
#define CORE_ANON_PRIVATE (1u << 0) /* private memory that was written to, of files too */
#define CORE_ANON_SHARED  (1u << 1) /* shared memory without a name */
#define CORE_FILE_PRIVATE (1u << 2)
#define CORE_FILE_SHARED  (1u << 3)
#define CORE_ELF_HEADERS  (1u << 4) /* of files the first page: where a program lies */
#define CORE_HUGE_PRIVATE (1u << 5)
#define CORE_HUGE_SHARED  (1u << 6)
#define CORE_ALL          0x1ffu /* two are Linux's for memory of devices */
#define CORE_FILTER \
    (CORE_ANON_PRIVATE | CORE_ANON_SHARED | CORE_ELF_HEADERS | CORE_HUGE_PRIVATE)

/* The running process is ended by signo, with that record. Where it is such a signal, RLIMIT_CORE
 * allows it and the process may be read by others of its user, its other threads end, and its core
 * file is written (kernel/task/exec/core_name.h): true when a file with its registers is there. What
 * does not go into it for the limit, for want of space or for SIGKILL is missing. Pauses. */
bool core_dump(int signo, const struct sig_record *rec);
