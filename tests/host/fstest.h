/* SPDX-License-Identifier: MIT
 *
 * A tree of files for tests: made empty, taken down again with every page back.
 */
#pragma once

#include "fs/file.h"
#include "fs/vfs.h"
#include "tests/host/harness.h"

/* The root file system; the free pages at this point are what must be there in the end. */
struct fs_context *fs_begin(void);
/* Removes every name below the root; fails the test when pages are lost. */
void fs_end(void);
void fs_remove_all(void);

struct file *fs_open(const char *name, u32 flags); /* must succeed */
ssize_t fs_write(struct file *f, const void *buf, size_t n, u64 pos);
ssize_t fs_read(struct file *f, void *buf, size_t n, u64 pos);
/* A new file with this text. */
void fs_make(const char *name, const char *text);
/* Whether the file holds exactly this text. */
bool fs_holds(const char *name, const char *text);
/* Names in the tree, the root excluded; a picture of names, modes, sizes, contents. */
u32 fs_count(void);
u64 fs_picture(void);
