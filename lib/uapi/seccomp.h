/* SPDX-License-Identifier: MIT
 *
 * Filters of system calls, Linux: linux/seccomp.h, seccomp(2).
 */
#pragma once

#define SECCOMP_MODE_NONE   0
#define SECCOMP_MODE_STRICT 1
#define SECCOMP_MODE_FILTER 2

#define SECCOMP_SET_MODE_STRICT  0
#define SECCOMP_SET_MODE_FILTER  1
#define SECCOMP_GET_ACTION_AVAIL 2
#define SECCOMP_GET_NOTIF_SIZES  3

#define SECCOMP_FILTER_FLAG_TSYNC       1u
#define SECCOMP_FILTER_FLAG_LOG         2u
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW  4u
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH 0x10u

/* What a filter answers: the upper half as a signed number is the stricter the smaller it is, the
 * lower half is data. */
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#define SECCOMP_RET_KILL_THREAD  0x00000000u
#define SECCOMP_RET_TRAP         0x00030000u
#define SECCOMP_RET_ERRNO        0x00050000u
#define SECCOMP_RET_USER_NOTIF   0x7fc00000u
#define SECCOMP_RET_TRACE        0x7ff00000u
#define SECCOMP_RET_LOG          0x7ffc0000u
#define SECCOMP_RET_ALLOW        0x7fff0000u
#define SECCOMP_RET_ACTION       0xffff0000u
#define SECCOMP_RET_DATA         0x0000ffffu
