/* SPDX-License-Identifier: MIT
 *
 * Options of wait4(2) and waitid(2), Linux x86-64.
 */
#pragma once

#define WNOHANG    0x00000001u
#define WUNTRACED  0x00000002u
#define WSTOPPED   0x00000002u
#define WEXITED    0x00000004u
#define WCONTINUED 0x00000008u
#define WNOWAIT    0x01000000u
#define WNOTHREAD  0x20000000u
#define WALL       0x40000000u
#define WCLONE     0x80000000u

#define P_ALL   0
#define P_PID   1
#define P_PGID  2
#define P_PIDFD 3
