/* SPDX-License-Identifier: MIT
 *
 * How credentials change: credentials(7), capabilities(7). There are five sets of capabilities;
 * what user 0 means for them is switched by secure bits.
 *
 * Each thread has its own, made as a copy of its maker's. Only the running thread changes its
 * own, under proc_lock: it reads them as they are, others read them under that lock. (One that shares
 * its filters of calls with all threads of the process sets what they have to do with.) Those of the first
 * thread lie in the process, are what others see of the process, and stay when it has ended; exec puts its
 * caller's there.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/types.h"

struct account;
struct proc;
struct thread;

/* Who a thread is and what it may do, copied as one. The ids that count in file systems,
 * the groups and the effective capabilities are those of `fs`. */
struct cred {
    struct fs_cred fs;
    u32 uid, euid, suid, gid, egid, sgid;
    u64 permitted, inheritable, bounding, ambient; /* bit per CAP_* */
    u32 securebits;
    bool no_new_privs;
    u8 seccomp;   /* SECCOMP_MODE_* */
    u32 nfilters; /* of calls: kernel/seccomp/chain.h */
};

/* Makes `new`, made of its own in the same hold of proc_lock, the running thread's credentials. */
void cred_change(const struct cred *new);
/* They lie there: its process's record of the first thread's, or its own; filled in by others. */
void cred_use(struct thread *t, struct cred *c);
/* The running thread, t, becomes the first of p by exec: it puts its own in the place of those of the
 * one that was. proc_lock held. The account of that one, for account_put. */
struct account *must_check cred_lead(struct proc *p, struct thread *t);

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
};

/* Decides them for the running thread and a program file. */
void exec_cred_find(const struct file *f, struct exec_cred *c);
/* Gives them to the running process, of one thread, with all that goes with it. */
void exec_cred_commit(struct proc *p, const struct exec_cred *c);

/* Its ids have changed from `old`: capabilities follow. */
void cred_fixup_uids(struct cred *new, const struct cred *old);
/* The running thread had these rights before: nobody looks into its process, and no signal at its
 * parent's death, when they are others now. proc_lock held. */
void cred_changed_from(const struct cred *old);

/* prctl's operations on capabilities and secure bits; -ENOSYS: not one of them. */
long cred_prctl(const u64 arg[5]);
