/* SPDX-License-Identifier: MIT
 *
 * File types and status records: layout of Linux x86-64 (stat(2), statx(2), statfs(2)).
 */
#pragma once

#include "lib/types.h"

#define S_IFMT   0170000u
#define S_IFSOCK 0140000u
#define S_IFLNK  0120000u
#define S_IFREG  0100000u
#define S_IFBLK  0060000u
#define S_IFDIR  0040000u
#define S_IFCHR  0020000u
#define S_IFIFO  0010000u
#define S_ISUID  0004000u
#define S_ISGID  0002000u
#define S_ISVTX  0001000u

#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)

#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10

struct kernel_stat {
    u64 st_dev, st_ino, st_nlink;
    u32 st_mode, st_uid, st_gid, pad0;
    u64 st_rdev;
    s64 st_size, st_blksize, st_blocks;
    u64 st_atime_sec, st_atime_nsec;
    u64 st_mtime_sec, st_mtime_nsec;
    u64 st_ctime_sec, st_ctime_nsec;
    s64 unused[3];
};

struct statx_timestamp {
    s64 tv_sec;
    u32 tv_nsec;
    s32 reserved;
};

struct statx {
    u32 stx_mask, stx_blksize;
    u64 stx_attributes;
    u32 stx_nlink, stx_uid, stx_gid;
    u16 stx_mode, spare0;
    u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
    struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
    u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
    u64 stx_mnt_id;
    u32 stx_dio_mem_align, stx_dio_offset_align;
    u64 spare3[12];
};

#define STATX_BASIC_STATS   0x7ffu
#define STATX_BTIME         0x800u
#define STATX_MNT_ID        0x1000u
#define STATX_MNT_ID_UNIQUE 0x4000u

/* Of files, FS_IOC_GETFLAGS(2const), and the same bits of statx's attributes. */
#define FS_IMMUTABLE_FL 0x10u
#define FS_APPEND_FL    0x20u
#define FS_NODUMP_FL    0x40u
#define FS_NOATIME_FL   0x80u /* not told by statx */
#define FS_FIXED        (FS_IMMUTABLE_FL | FS_APPEND_FL)

#define STATX_ATTR_MOUNT_ROOT 0x2000u

struct statfs {
    s64 f_type, f_bsize;
    u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    s32 f_fsid[2];
    s64 f_namelen, f_frsize, f_flags, f_spare[4];
};

/* Followed by the name; d_reclen is a multiple of 8. */
struct linux_dirent64 {
    u64 d_ino;
    s64 d_off;
    u16 d_reclen;
    u8 d_type;
    char d_name[];
};

/* Device numbers as stat reports them (makedev(3)). */
static inline u64 make_dev(u32 major, u32 minor)
{
    return (minor & 0xffu) | (major & 0xfffu) << 8 | (u64)(minor & ~0xffu) << 12 |
           (u64)(major & ~0xfffu) << 32;
}

static inline u32 dev_major(u64 dev)
{
    return (u32)((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffull));
}

static inline u32 dev_minor(u64 dev)
{
    return (u32)((dev & 0xff) | (dev >> 12 & ~0xffull));
}
