/* SPDX-License-Identifier: MIT
 *
 * How capabilities change: capabilities(7). A process has five sets; what user 0 means for
 * them is switched by its secure bits.
 *
 * The threads of a process have its credentials in common. They are changed under proc_lock, as
 * a whole: others read them under that lock; the process's own threads read single words
 * without it, and several that belong together by cred_snapshot() or as fs/perm.h says.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/types.h"

struct proc;

/* Who a process is and what it may do, copied as one. The ids that count in file systems,
 * the groups and the effective capabilities are those of `fs`. */
struct cred {
    struct fs_cred fs;
    u32 uid, euid, suid, gid, egid, sgid;
    u64 permitted, inheritable, bounding, ambient; /* bit per CAP_* */
    u32 securebits;
    bool no_new_privs;
};

/* A copy of the running process's, all of one moment. Its groups may go when the caller pauses;
 * cred_hold: they stay until groups_put(out->fs.groups). */
void cred_snapshot(struct cred *out);
void cred_hold(struct cred *out);
/* Makes `new`, which was made of p->cred, its credentials. proc_lock held all the while. */
void cred_write(struct proc *p, const struct cred *new);

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
    bool set_id; /* by the file's set-ID bits, if only by its wish */
    bool gains;  /* an id or a right that its caller has not */
    u32 change;  /* of the credentials it was decided by */
};

/* Decides them for the running process and a program file. _again: and once more if the
 * process is not who it was; when it has one thread. */
void exec_cred_find(const struct file *f, struct exec_cred *c);
void exec_cred_find_again(const struct file *f, struct exec_cred *c);
/* Gives them to the running process, with all that goes with it. */
void exec_cred_commit(struct proc *p, const struct exec_cred *c);

/* Its ids have changed from `old`: capabilities follow. */
void cred_fixup_uids(struct cred *new, const struct cred *old);
/* p had these rights before: nobody looks into it, and no signal at its parent's death, when
 * they are others now. proc_lock held. */
void cred_changed_from(struct proc *p, const struct cred *old);

/* prctl's operations on capabilities and secure bits; -ENOSYS: not one of them. */
long cred_prctl(const u64 arg[5]);
