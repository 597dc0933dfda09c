/* SPDX-License-Identifier: MIT
 *
 * The protocol 9P2000.L as far as files are read: names, attributes, contents. Each call is one
 * request and one answer; all need ninep_lock held. The server is not trusted: an answer that
 * is no answer is -EIO, and no number in it is used before it is known to fit.
 *
 * Files are named by numbers ("fids") of ours; none is used twice.
 */
#pragma once

#include "lib/mutex.h"
#include "lib/types.h"

#define NINEP_READ_MAX 61440u /* bytes of one read: whole pages */

struct ninep_attr {
    u64 size, blocks, rdev;
    s64 atime_ns, mtime_ns, ctime_ns;
    u32 mode, uid, gid, nlink;
};

/* One name of a directory, and where the next one is asked for. */
struct ninep_entry {
    char name[256];
    u64 next;
};

extern struct mutex ninep_lock;

/* The server's root as a fid. The device's tag must be `tag`, unless that is "". -ENODEV. */
int ninep_attach(const char *tag, u32 *fid);
/* The name in a directory, NULL: the directory itself once more. */
int ninep_walk(u32 dir, const char *name, size_t len, u32 *fid);
void ninep_forget(u32 fid);
int ninep_getattr(u32 fid, struct ninep_attr *attr);
int ninep_open(u32 fid); /* for reading */
/* Bytes at *bytes, valid until the next call; 0 at the end. */
ssize_t ninep_read(u32 fid, u64 offset, u32 count, const u8 **bytes);
/* At most PATH_MAX - 1 bytes and a NUL. */
int ninep_readlink(u32 fid, char *text, size_t size);
/* Asks for names from `offset` on; `next` takes one after the other off the answer: 1, 0: no
 * more in this answer, or -EIO. Nothing else may be asked in between. 0: the directory ends. */
ssize_t ninep_readdir(u32 fid, u64 offset, const u8 **bytes);
int ninep_next(const u8 **at, const u8 *end, struct ninep_entry *e);
