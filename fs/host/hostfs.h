/* SPDX-License-Identifier: MIT
 *
 * The host's files, "9p" for mount(2): names and contents come from a server outside the machine
 * when they are first asked for; from then on they are those of a ramfs, and what is changed is
 * changed in memory only. docs/reference/hostfs.md.
 */
#pragma once

struct inode;

void hostfs_init(void);

/* For contents.c. Around what is asked of the server: ninep_lock, and what the server may forget is told first. The
 * server may be slow: vfs_tree_lock is not held. */
void host_begin(void);
void host_end(void);

void host_destroy(struct inode *ino); /* as inode_ops.destroy */
