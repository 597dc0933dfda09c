/* SPDX-License-Identifier: MIT
 *
 * Numbers of capabilities(7), of prctl's operations on them and of capset's structures.
 */
#pragma once

#include "lib/types.h"

#define CAP_CHOWN              0
#define CAP_DAC_OVERRIDE       1
#define CAP_DAC_READ_SEARCH    2
#define CAP_FOWNER             3
#define CAP_FSETID             4
#define CAP_KILL               5
#define CAP_SETGID             6
#define CAP_SETUID             7
#define CAP_SETPCAP            8
#define CAP_LINUX_IMMUTABLE    9
#define CAP_NET_BIND_SERVICE   10
#define CAP_NET_ADMIN          12
#define CAP_IPC_LOCK           14
#define CAP_IPC_OWNER          15
#define CAP_SYS_RAWIO          17
#define CAP_SYS_CHROOT         18
#define CAP_SYS_PTRACE         19
#define CAP_SYS_ADMIN          21
#define CAP_SYS_BOOT           22
#define CAP_SYS_NICE           23
#define CAP_SYS_RESOURCE       24
#define CAP_SYS_TIME           25
#define CAP_SYS_TTY_CONFIG     26
#define CAP_MKNOD              27
#define CAP_LEASE              28
#define CAP_SETFCAP            31
#define CAP_MAC_OVERRIDE       32
#define CAP_SYSLOG             34
#define CAP_CHECKPOINT_RESTORE 40
#define CAP_WAKE_ALARM         35
#define CAP_LAST               40
#define CAP_ALL                ((1ul << (CAP_LAST + 1)) - 1)

/* What goes and comes with file system user 0. */
#define CAP_FS_SET                                                             \
    (1ul << CAP_CHOWN | 1ul << CAP_DAC_OVERRIDE | 1ul << CAP_DAC_READ_SEARCH | \
     1ul << CAP_FOWNER | 1ul << CAP_FSETID | 1ul << CAP_LINUX_IMMUTABLE |      \
     1ul << CAP_MKNOD | 1ul << CAP_MAC_OVERRIDE)
