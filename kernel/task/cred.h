/* SPDX-License-Identifier: MIT
 *
 * How capabilities change: capabilities(7). A process has five sets; what user 0 means for
 * them is switched by its secure bits.
 */
#pragma once

#include "kernel/task/proc.h"

/* Secure bits; the lock of each is the next higher bit. */
#define SECURE_NOROOT           0x1u
#define SECURE_NO_SETUID_FIXUP  0x4u
#define SECURE_KEEP_CAPS        0x10u
#define SECURE_NO_AMBIENT_RAISE 0x40u
#define SECURE_EXEC_RESTRICT_FILE \
    0x100u /* for interpreters; nothing here looks at them */
#define SECURE_EXEC_DENY_INTER 0x400u
#define SECURE_BITS            0x555u
#define SECURE_LOCKS           0xaaau
#define SECURE_UNPRIVILEGED    0xf00u /* anybody sets these */

/* fs.suid_dumpable: what a process becomes when its rights change. */
extern u32 suid_dumpable;

/* The soft limit of the stack of a program with rights its caller has not, at most. */
#define SECURE_STACK_LIMIT (8ul << 20)

/* The ids and sets a program starts with. */
struct exec_cred {
    u32 euid, egid;
    u64 permitted, effective, ambient;
    bool secure; /* AT_SECURE: it has rights its caller has not */
    bool set_id; /* by the file's set-ID bits */
};

/* Decides them for the running process and a program file. */
void exec_cred_find(const struct file *f, struct exec_cred *c);
/* Gives them to the running process, with all that goes with it. */
void exec_cred_commit(struct proc *p, const struct exec_cred *c);

/* p's ids have changed from these: capabilities follow. */
struct old_ids {
    u32 uid, euid, suid;
};
void cred_fixup_uids(struct proc *p, const struct old_ids *old);
/* p changed from rights it had before: nobody looks into it, and no signal at its parent's
 * death, when they are others now. */
struct old_rights {
    u32 euid, egid, fsuid, fsgid;
    u64 permitted;
};
void cred_note(const struct proc *p, struct old_rights *old);
void cred_changed_from(struct proc *p, const struct old_rights *old);

/* prctl's operations on capabilities and secure bits; -ENOSYS: not one of them. */
long cred_prctl(const u64 arg[5]);
