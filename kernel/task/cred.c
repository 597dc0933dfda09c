/* SPDX-License-Identifier: MIT
 *
 * The rules of kernel/task/cred.h. There are no file capabilities; only what user 0 and the
 * set-ID bits of a file mean is computed.
 */
#include "kernel/task/cred.h"
#include "fs/groups.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/personality.h"
#include "lib/uapi/stat.h"

/* Bits of personality(2) that must not steer a program with rights of its own:
 * READ_IMPLIES_EXEC, ADDR_COMPAT_LAYOUT, MMAP_PAGE_ZERO, ADDR_NO_RANDOMIZE. */
#define PERSONALITY_UNSAFE 0x0740000u

u32 suid_dumpable = DUMP_NOBODY;

/* ---- reading and changing ---- */

STATIC_ASSERT(sizeof(struct cred) % sizeof(u64) == 0);

/* By marked words: readers copy while a writer does, and throw that away. */
static void copy(struct cred *to, const struct cred *from)
{
    for (size_t i = 0; i < sizeof(*to) / sizeof(u64); i++)
        WRITE_ONCE(((u64 *)to)[i], READ_ONCE(((const u64 *)from)[i]));
}

void cred_snapshot(struct cred *out)
{
    const struct cred *c = &current_proc()->cred;
    u32 change;

    do {
        change = cred_read_begin(&c->fs);
        copy(out, c);
    } while (cred_read_again(&c->fs, change));
    out->fs.change = change;
}

void cred_hold(struct cred *out)
{
    do /* of a list whose last reference is gone there is a successor */
        cred_snapshot(out);
    while (!groups_tryhold(out->fs.groups));
}

void cred_write(struct proc *p, const struct cred *new)
{
    REQUIRES(&proc_lock);
    u32 change = p->cred.fs.change;

    struct cred c = *new;

    c.fs.change = change + 1; /* odd, also in the middle of the copy */
    WRITE_ONCE(p->cred.fs.change, change + 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    copy(&p->cred, &c);
    __atomic_store_n(&p->cred.fs.change, change + 2, __ATOMIC_RELEASE);
}

/* ---- exec ---- */

static void find_ids(const struct cred *now, const struct file *f, struct exec_cred *c)
{
    struct inode *ino = f->inode;

    c->euid = now->euid;
    c->egid = now->egid;
    if (now->no_new_privs || path_mount_flags(&f->path) & MS_NOSUID)
        return;
    /* Mode and owner of one moment: chown takes the right away before it gives the file away. */
    mutex_lock(&ino->lock);
    if (ino->mode & S_ISUID) {
        c->euid = ino->uid;
        c->set_id = true;
    }
    if ((ino->mode & (S_ISGID | 0010)) == (S_ISGID | 0010)) {
        c->egid = ino->gid;
        c->set_id = true;
    }
    mutex_unlock(&ino->lock);
}

/* Who promised it, who is watched by somebody without the right to, and who shares its
 * directories with a process that could change them, gains nothing. */
static bool gains_nothing(const struct cred *now)
{
    return now->no_new_privs || ptrace_limits_exec(current_thread()) ||
           fs_context_is_shared(&current_proc()->fs);
}

void exec_cred_find(const struct file *f, struct exec_cred *c)
{
    struct cred now;
    bool root, effective, changes, more;

    cred_snapshot(&now);
    *c = (struct exec_cred){.change = now.fs.change};
    find_ids(&now, f, c);
    effective = !(now.securebits & SECURE_NOROOT) && c->euid == 0;
    root = effective || (!(now.securebits & SECURE_NOROOT) && now.uid == 0);
    changes = c->euid != now.euid || !cred_in_group(&current_proc()->cred.fs, c->egid);
    c->permitted = root ? now.bounding | now.inheritable : 0;
    more = changes || c->permitted & ~now.permitted;
    c->gains = more && !gains_nothing(&now);
    if (more && !c->gains) {
        if (now.no_new_privs || !cred_capable(&now.fs, CAP_SETUID)) {
            c->euid = now.uid;
            c->egid = now.gid;
        }
        c->permitted &= now.permitted;
    }
    c->ambient = changes ? 0 : now.ambient;
    c->permitted |= c->ambient;
    c->effective = effective ? c->permitted : c->ambient;
    c->secure = changes || c->euid != now.uid || c->egid != now.gid ||
                (now.uid != 0 && (effective || c->permitted & ~c->ambient));
}

void exec_cred_find_again(const struct file *f, struct exec_cred *c)
{
    if (unlikely(READ_ONCE(current_proc()->cred.fs.change) != c->change))
        exec_cred_find(f, c);
}

static void exec_limits(struct proc *p)
{
    struct rlimit64 *stack = &p->rlim[RLIMIT_STACK];

    p->pdeath_signal = 0;
    stack->rlim_cur = MIN(stack->rlim_cur, SECURE_STACK_LIMIT);
}

void exec_cred_commit(struct proc *p, const struct exec_cred *c)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct cred old = p->cred;
    struct cred new = old;

    new.euid = new.suid = c->euid;
    new.egid = new.sgid = c->egid;
    new.permitted = c->permitted;
    new.fs.caps = c->effective;
    new.ambient = c->ambient;
    new.securebits &= ~SECURE_KEEP_CAPS;
    new.fs.uid = c->euid;
    new.fs.gid = c->egid;
    cred_write(p, &new);
    sched_user_changed(p);
    cred_changed_from(p, &old);
    p->personality &= ~(c->set_id ? PERSONALITY_UNSAFE : READ_EXECUTES);
    if (c->secure)
        exec_limits(p);
    /* A program that may only be run must not be read from a dump either. */
    if (p->cred.euid != p->cred.uid || p->cred.egid != p->cred.gid ||
        inode_permission(&p->cred.fs, p->exe->inode, MAY_READ) != 0)
        p->dumpable = (u8)suid_dumpable;
    else
        p->dumpable = DUMP_USER;
    proc_limits_changed(p, p->mm);
}

/* ---- setuid and its relatives ---- */

void cred_fixup_uids(struct cred *new, const struct cred *old)
{
    bool had = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool has = new->uid == 0 || new->euid == 0 || new->suid == 0;

    if (new->securebits & SECURE_NO_SETUID_FIXUP)
        return;
    if (had && !has) {
        if (!(new->securebits &SECURE_KEEP_CAPS))
            new->permitted = new->fs.caps = 0;
        new->ambient = 0;
    }
    if (old->euid == 0 && new->euid != 0)
        new->fs.caps = 0;
    if (old->euid != 0 && new->euid == 0)
        new->fs.caps = new->permitted;
}

void cred_changed_from(struct proc *p, const struct cred *old)
{
    REQUIRES(&proc_lock);
    const struct cred *now = &p->cred;

    if (now->euid == old->euid && now->egid == old->egid && now->fs.uid == old->fs.uid &&
        now->fs.gid == old->fs.gid && !(now->permitted & ~old->permitted))
        return;
    p->dumpable = (u8)suid_dumpable;
    p->pdeath_signal = 0;
}

/* ---- prctl ---- */

#define PR_GET_KEEPCAPS   7
#define PR_SET_KEEPCAPS   8
#define PR_CAPBSET_READ   23
#define PR_CAPBSET_DROP   24
#define PR_GET_SECUREBITS 27
#define PR_SET_SECUREBITS 28
#define PR_CAP_AMBIENT    47

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

static long set_securebits(struct proc *p, u64 bits)
{
    u32 old = p->cred.securebits;
    bool locked = ((old & SECURE_LOCKS) >> 1) & (old ^ bits);

    if (locked || (old & SECURE_LOCKS & ~bits) || (bits & ~(SECURE_BITS | SECURE_LOCKS)))
        return -EPERM;
    if ((old == bits || (old ^ bits) & ~SECURE_UNPRIVILEGED) &&
        !proc_capable(p, CAP_SETPCAP))
        return -EPERM;
    p->cred.securebits = (u32)bits;
    return 0;
}

static long set_keep_caps(struct proc *p, u64 on)
{
    if (on > 1)
        return -EINVAL;
    if (p->cred.securebits & SECURE_KEEP_CAPS << 1)
        return -EPERM;
    if (on)
        p->cred.securebits |= SECURE_KEEP_CAPS;
    else
        p->cred.securebits &= ~SECURE_KEEP_CAPS;
    return 0;
}

static long drop_bound(struct proc *p, u64 cap)
{
    if (!proc_capable(p, CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST)
        return -EINVAL;
    p->cred.bounding &= ~(1ul << cap);
    return 0;
}

static long ambient(struct proc *p, const u64 arg[5])
{
    u64 bit;

    if (arg[1] == AMBIENT_CLEAR_ALL) {
        if (arg[2] || arg[3] || arg[4])
            return -EINVAL;
        p->cred.ambient = 0;
        return 0;
    }
    if (arg[2] > CAP_LAST || arg[3] || arg[4])
        return -EINVAL;
    bit = 1ul << arg[2];
    switch (arg[1]) {
    case AMBIENT_IS_SET:
        return (p->cred.ambient & bit) != 0;
    case AMBIENT_RAISE:
        if (!(p->cred.permitted & p->cred.inheritable & bit) ||
            (p->cred.securebits & SECURE_NO_AMBIENT_RAISE))
            return -EPERM;
        p->cred.ambient |= bit;
        return 0;
    case AMBIENT_LOWER:
        p->cred.ambient &= ~bit;
        return 0;
    default:
        return -EINVAL;
    }
}

long cred_prctl(const u64 arg[5])
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct proc *p = current_proc();

    p->cred.fs.change += 2; /* an exec that has begun looks again */
    switch ((int)arg[0]) {
    case PR_GET_KEEPCAPS:
        return (p->cred.securebits & SECURE_KEEP_CAPS) != 0;
    case PR_SET_KEEPCAPS:
        return set_keep_caps(p, arg[1]);
    case PR_CAPBSET_READ:
        return arg[1] > CAP_LAST ? -EINVAL : (long)(p->cred.bounding >> arg[1] & 1);
    case PR_CAPBSET_DROP:
        return drop_bound(p, arg[1]);
    case PR_GET_SECUREBITS:
        return p->cred.securebits;
    case PR_SET_SECUREBITS:
        return set_securebits(p, arg[1]);
    case PR_CAP_AMBIENT:
        return ambient(p, arg);
    default:
        return -ENOSYS;
    }
}
