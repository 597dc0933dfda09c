/* SPDX-License-Identifier: MIT
 *
 * Opening and controlling files: values of Linux x86-64 (open(2), fcntl(2), flock(2)).
 */
#pragma once

#include "lib/types.h"

#define O_ACCMODE   00000003u
#define O_RDONLY    00000000u
#define O_WRONLY    00000001u
#define O_RDWR      00000002u
#define O_CREAT     00000100u
#define O_EXCL      00000200u
#define O_NOCTTY    00000400u
#define O_TRUNC     00001000u
#define O_APPEND    00002000u
#define O_NONBLOCK  00004000u
#define O_DSYNC     00010000u
#define O_ASYNC     00020000u
#define O_DIRECT    00040000u
#define O_LARGEFILE 00100000u
#define O_DIRECTORY 00200000u
#define O_NOFOLLOW  00400000u
#define O_NOATIME   01000000u
#define O_CLOEXEC   02000000u
#define O_SYNC      04010000u
#define O_PATH      010000000u
#define O_TMPFILE   020200000u
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
/* What open() looks at. */
#define OPEN_FLAGS                                                                    \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |      \
     O_SYNC | O_ASYNC | O_DIRECT | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
     O_PATH | O_TMPFILE)

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_GETLK         5
#define F_SETLK         6
#define F_SETLKW        7
#define F_SETOWN        8
#define F_GETOWN        9
#define F_SETSIG        10
#define F_GETSIG        11
#define F_SETOWN_EX     15
#define F_GETOWN_EX     16
#define F_OFD_GETLK     36
#define F_OFD_SETLK     37
#define F_OFD_SETLKW    38
#define F_DUPFD_CLOEXEC 1030
#define F_SETLEASE      1024
#define F_GETLEASE      1025
#define F_NOTIFY        1026
#define F_SETPIPE_SZ    1031
#define F_GETPIPE_SZ    1032
#define F_ADD_SEALS     1033
#define F_GET_SEALS     1034
#define F_GET_RW_HINT   1035
#define F_SET_RW_HINT   1036

#define RWH_WRITE_LIFE_EXTREME 5u /* the last of them; 0: not set */

#define FD_CLOEXEC 1

/* struct f_owner_ex */
#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define F_SEAL_SEAL         0x01u
#define F_SEAL_SHRINK       0x02u
#define F_SEAL_GROW         0x04u
#define F_SEAL_WRITE        0x08u
#define F_SEAL_FUTURE_WRITE 0x10u
#define F_SEAL_EXEC         0x20u

struct flock {
    s16 l_type, l_whence;
    s64 l_start, l_len;
    s32 l_pid;
};

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define AT_FDCWD                (-100)
#define AT_SYMLINK_NOFOLLOW     0x100u
#define AT_EACCESS              0x200u
#define AT_REMOVEDIR            0x200u
#define AT_SYMLINK_FOLLOW       0x400u
#define AT_NO_AUTOMOUNT         0x800u
#define AT_EMPTY_PATH           0x1000u
#define AT_STATX_SYNC_TYPE      0x6000u
/* name_to_handle_at(2) */
#define AT_HANDLE_MNT_ID_UNIQUE 0x1u
#define AT_HANDLE_CONNECTABLE   0x2u
#define AT_HANDLE_FID           0x200u

/* openat2(2) */
struct open_how {
    u64 flags, mode, resolve;
};

#define RESOLVE_NO_XDEV       0x01u
#define RESOLVE_NO_MAGICLINKS 0x02u
#define RESOLVE_NO_SYMLINKS   0x04u
#define RESOLVE_BENEATH       0x08u
#define RESOLVE_IN_ROOT       0x10u
#define RESOLVE_CACHED        0x20u

#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4

#define FALLOC_FL_KEEP_SIZE      0x01u
#define FALLOC_FL_PUNCH_HOLE     0x02u
#define FALLOC_FL_COLLAPSE_RANGE 0x08u
#define FALLOC_FL_ZERO_RANGE     0x10u
#define FALLOC_FL_INSERT_RANGE   0x20u
#define FALLOC_FL_UNSHARE_RANGE  0x40u
#define FALLOC_FL_WRITE_ZEROES   0x80u

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u
#define RENAME_WHITEOUT  4u
