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

void cred_change(const struct cred *new)
{
    REQUIRES(&proc_lock);
    *current_thread()->cred = *new;
}

void cred_use(struct thread *t, struct cred *c)
{
    t->cred = c;
    t->fs.cred = &c->fs;
}

struct account *cred_lead(struct proc *p, struct thread *t)
{
    REQUIRES(&proc_lock);
    const struct cred former = p->cred; /* freed with the thread */
    struct account *account = p->account;

    p->cred = t->cred_room;
    p->nice = t->nice;
    t->cred_room = former;
    cred_use(t, &p->cred);
    spin_lock(&p->sig.lock);
    p->account = t->account;
    spin_unlock(&p->sig.lock);
    account_hold(p->account);
    return account;
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

/* With another process: those of its own threads end. */
static bool shares_directories(void)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct proc *p = current_proc();
    u32 own = 0;

    for (struct list *pos = p->threads.next; pos != &p->threads; pos = pos->next)
        own += list_entry(pos, struct thread, proc_link)->fs.dirs == current_fs()->dirs;
    return fs_context_shares(current_fs()) > own;
}

/* Who promised it, who is watched by somebody without the right to, and who shares its
 * directories with a process that could change them, gains nothing. */
static bool gains_nothing(const struct cred *now)
{
    return now->no_new_privs || ptrace_limits_exec(current_thread()) ||
           shares_directories();
}

void exec_cred_find(const struct file *f, struct exec_cred *c)
{
    const struct cred *now = own_cred();
    bool root, effective, changes, more;

    *c = (struct exec_cred){0};
    find_ids(now, f, c);
    effective = !(now->securebits & SECURE_NOROOT) && c->euid == 0;
    root = effective || (!(now->securebits & SECURE_NOROOT) && now->uid == 0);
    changes = c->euid != now->euid || !cred_in_group(&now->fs, c->egid);
    c->permitted = root ? now->bounding | now->inheritable : 0;
    more = changes || c->permitted & ~now->permitted;
    c->gains = more && !gains_nothing(now);
    if (more && !c->gains) {
        if (now->no_new_privs || !cred_capable(&now->fs, CAP_SETUID)) {
            c->euid = now->uid;
            c->egid = now->gid;
        }
        c->permitted &= now->permitted;
    }
    c->ambient = changes ? 0 : now->ambient;
    c->permitted |= c->ambient;
    c->effective = effective ? c->permitted : c->ambient;
    c->secure = changes || c->euid != now->uid || c->egid != now->gid ||
                (now->uid != 0 && (effective || c->permitted & ~c->ambient));
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
    const struct cred old = *own_cred();
    struct cred new = old;

    new.euid = new.suid = c->euid;
    new.egid = new.sgid = c->egid;
    new.permitted = c->permitted;
    new.fs.caps = c->effective;
    new.ambient = c->ambient;
    new.securebits &= ~SECURE_KEEP_CAPS;
    new.fs.uid = c->euid;
    new.fs.gid = c->egid;
    cred_change(&new);
    sched_user_changed(p);
    cred_changed_from(&old);
    current_thread()->personality &= ~(c->set_id ? PERSONALITY_UNSAFE : READ_EXECUTES);
    if (c->secure)
        exec_limits(p);
    /* A program that may only be run must not be read from a dump either. */
    if (new.euid != new.uid || new.egid != new.gid ||
        inode_permission(&new.fs, p->exe->inode, MAY_READ) != 0)
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

void cred_changed_from(const struct cred *old)
{
    REQUIRES(&proc_lock);
    struct proc *p = current_proc();
    const struct cred *now = own_cred();

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

static long set_securebits(struct cred *c, u64 bits)
{
    u32 old = c->securebits;
    bool locked = ((old & SECURE_LOCKS) >> 1) & (old ^ bits);

    if (locked || (old & SECURE_LOCKS & ~bits) ||
        (bits & ~(u64)(SECURE_BITS | SECURE_LOCKS)))
        return -EPERM;
    if ((old == bits || (old ^ bits) & ~SECURE_UNPRIVILEGED) && !capable(CAP_SETPCAP))
        return -EPERM;
    c->securebits = (u32)bits;
    return 0;
}

static long set_keep_caps(struct cred *c, u64 on)
{
    if (on > 1)
        return -EINVAL;
    if (c->securebits & SECURE_KEEP_CAPS << 1)
        return -EPERM;
    if (on)
        c->securebits |= SECURE_KEEP_CAPS;
    else
        c->securebits &= ~SECURE_KEEP_CAPS;
    return 0;
}

static long drop_bound(struct cred *c, u64 cap)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST)
        return -EINVAL;
    c->bounding &= ~(1ul << cap);
    return 0;
}

static long ambient(struct cred *c, const u64 arg[5])
{
    u64 bit;

    if (arg[1] == AMBIENT_CLEAR_ALL) {
        if (arg[2] || arg[3] || arg[4])
            return -EINVAL;
        c->ambient = 0;
        return 0;
    }
    if (arg[2] > CAP_LAST || arg[3] || arg[4])
        return -EINVAL;
    bit = 1ul << arg[2];
    switch (arg[1]) {
    case AMBIENT_IS_SET:
        return (c->ambient & bit) != 0;
    case AMBIENT_RAISE:
        if (!(c->permitted & c->inheritable & bit) ||
            (c->securebits & SECURE_NO_AMBIENT_RAISE))
            return -EPERM;
        c->ambient |= bit;
        return 0;
    case AMBIENT_LOWER:
        c->ambient &= ~bit;
        return 0;
    default:
        return -EINVAL;
    }
}

static long change(struct cred *c, const u64 arg[5])
{
    switch ((int)arg[0]) {
    case PR_GET_KEEPCAPS:
        return (c->securebits & SECURE_KEEP_CAPS) != 0;
    case PR_SET_KEEPCAPS:
        return set_keep_caps(c, arg[1]);
    case PR_CAPBSET_READ:
        return arg[1] > CAP_LAST ? -EINVAL : (long)(c->bounding >> arg[1] & 1);
    case PR_CAPBSET_DROP:
        return drop_bound(c, arg[1]);
    case PR_GET_SECUREBITS:
        return c->securebits;
    case PR_SET_SECUREBITS:
        return set_securebits(c, arg[1]);
    case PR_CAP_AMBIENT:
        return ambient(c, arg);
    default:
        return -ENOSYS;
    }
}

long cred_prctl(const u64 arg[5])
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct cred new = *own_cred();
    long result = change(&new, arg);

    if (result >= 0)
        cred_change(&new);
    return result;
}
