/* SPDX-License-Identifier: MIT
 *
 * User and group numbers.
 */
#include "kernel/task/cred.h"
#include "fs/groups.h"
#include "fs/perm.h"
#include "kernel/syscall.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define ID_NONE 0xffffffffu /* -1: leave as it is */

long sys_getuid(const struct syscall_args *a)
{
    (void)a;
    return own_cred()->uid;
}

long sys_geteuid(const struct syscall_args *a)
{
    (void)a;
    return own_cred()->euid;
}

long sys_getgid(const struct syscall_args *a)
{
    (void)a;
    return own_cred()->gid;
}

long sys_getegid(const struct syscall_args *a)
{
    (void)a;
    return own_cred()->egid;
}

/* The three numbers of one kind. */
struct ids {
    u32 *real, *effective, *saved;
    bool privileged; /* may set them to anything */
};

static struct ids user_ids(struct cred *c)
{
    return (struct ids){&c->uid, &c->euid, &c->suid, cred_capable(&c->fs, CAP_SETUID)};
}

static struct ids group_ids(struct cred *c)
{
    return (struct ids){&c->gid, &c->egid, &c->sgid, cred_capable(&c->fs, CAP_SETGID)};
}

static bool is_one_of(const struct ids *ids, u32 id)
{
    return id == ID_NONE || id == *ids->real || id == *ids->effective ||
           id == *ids->saved;
}

/* ---- changing them: a function decides on a copy, under proc_lock ---- */

/* What a call wants: ID_NONE: that one stays. */
struct wanted {
    u32 real, effective, saved;
};

static void set(const struct ids *ids, const struct wanted *w)
{
    if (w->real != ID_NONE)
        *ids->real = w->real;
    if (w->effective != ID_NONE)
        *ids->effective = w->effective;
    if (w->saved != ID_NONE)
        *ids->saved = w->saved;
}

static int one_id(const struct ids *ids, struct wanted w)
{
    if (ids->privileged)
        w.real = w.saved = w.effective;
    else if (w.effective != *ids->real && w.effective != *ids->saved)
        return -EPERM;
    set(ids, &w);
    return 0;
}

static int real_effective(const struct ids *ids, struct wanted w)
{
    if (!ids->privileged) {
        if (w.real != ID_NONE && w.real != *ids->real && w.real != *ids->effective)
            return -EPERM;
        if (!is_one_of(ids, w.effective))
            return -EPERM;
    }
    if (w.real != ID_NONE || (w.effective != ID_NONE && w.effective != *ids->real))
        w.saved = w.effective != ID_NONE ? w.effective : *ids->effective;
    set(ids, &w);
    return 0;
}

static int all_three(const struct ids *ids, struct wanted w)
{
    if (!ids->privileged && !(is_one_of(ids, w.real) && is_one_of(ids, w.effective) &&
                              is_one_of(ids, w.saved)))
        return -EPERM;
    set(ids, &w);
    return 0;
}

typedef int (*decide_fn)(const struct ids *ids, struct wanted w);

/* Takes or gives what belongs to user 0, and makes `new` the caller's. */
static void commit(struct cred *new, bool of_users)
{
    REQUIRES(&proc_lock);
    const struct cred old = *own_cred();

    if (of_users) {
        cred_fixup_uids(new, &old);
        new->fs.uid = new->euid;
    } else {
        new->fs.gid = new->egid;
    }
    cred_change(new);
    sched_user_changed(current_proc());
    cred_changed_from(&old);
}

static long change_groups(decide_fn decide, struct wanted w)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct cred new = *own_cred();
    const struct ids ids = group_ids(&new);
    int err = decide(&ids, w);

    if (!err)
        commit(&new, false);
    return err;
}

/* One try; *a is an account to have if the real user becomes another, and the former one then.
 * -ENOENT: an account of *uid is needed. */
static int try_users(decide_fn decide, struct wanted w, struct account **a, u32 *uid)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct cred new = *own_cred();
    const struct ids ids = user_ids(&new);
    int err = decide(&ids, w);

    *uid = new.uid;
    if (err)
        return err;
    if (new.uid != own_cred()->uid) {
        if (!*a || (*a)->uid != new.uid)
            return -ENOENT;
        *a = thread_set_account(current_thread(), *a);
    }
    commit(&new, true);
    return 0;
}

static long change_users(decide_fn decide, struct wanted w)
{
    struct account *a = NULL;
    u32 uid;
    int err;

    while ((err = try_users(decide, w, &a, &uid)) == -ENOENT) {
        if (a)
            account_put(a);
        a = account_get(uid);
        if (!a)
            return -EAGAIN;
    }
    if (a)
        account_put(a);
    return err;
}

long sys_setuid(const struct syscall_args *a)
{
    if ((u32)a->a0 == ID_NONE)
        return -EINVAL;
    return change_users(one_id, (struct wanted){ID_NONE, (u32)a->a0, ID_NONE});
}

long sys_setgid(const struct syscall_args *a)
{
    if ((u32)a->a0 == ID_NONE)
        return -EINVAL;
    return change_groups(one_id, (struct wanted){ID_NONE, (u32)a->a0, ID_NONE});
}

long sys_setreuid(const struct syscall_args *a)
{
    return change_users(real_effective, (struct wanted){(u32)a->a0, (u32)a->a1, ID_NONE});
}

long sys_setregid(const struct syscall_args *a)
{
    return change_groups(real_effective,
                         (struct wanted){(u32)a->a0, (u32)a->a1, ID_NONE});
}

long sys_setresuid(const struct syscall_args *a)
{
    return change_users(all_three, (struct wanted){(u32)a->a0, (u32)a->a1, (u32)a->a2});
}

long sys_setresgid(const struct syscall_args *a)
{
    return change_groups(all_three, (struct wanted){(u32)a->a0, (u32)a->a1, (u32)a->a2});
}

static long get_three(const struct ids *ids, const struct syscall_args *a)
{
    if (copy_to_user(a->a0, ids->real, sizeof(u32)) != 0 ||
        copy_to_user(a->a1, ids->effective, sizeof(u32)) != 0 ||
        copy_to_user(a->a2, ids->saved, sizeof(u32)) != 0)
        return -EFAULT;
    return 0;
}

long sys_getresuid(const struct syscall_args *a)
{
    struct cred now = *own_cred();
    const struct ids ids = user_ids(&now);

    return get_three(&ids, a);
}

long sys_getresgid(const struct syscall_args *a)
{
    struct cred now = *own_cred();
    const struct ids ids = group_ids(&now);

    return get_three(&ids, a);
}

long sys_getgroups(const struct syscall_args *a)
{
    s32 size = (s32)a->a0;
    const struct fs_groups *groups = own_cred()->fs.groups;
    long n = groups_count(groups);

    if (size < 0 || (size && size < n))
        return -EINVAL;
    if (size && n && copy_to_user(a->a1, groups->gid, (u64)n * sizeof(u32)) != 0)
        return -EFAULT;
    return n;
}

/* Fills g from user memory. -EFAULT, -ENOMEM; -EINVAL: one is no group. */
static int read_groups(struct fs_groups *g, vaddr_t from)
{
    int err = 0;

    if (copy_from_user(g->gid, from, g->n * sizeof(u32)) != 0)
        return -EFAULT;
    for (u32 i = 0; i < g->n; i++)
        err = g->gid[i] == ID_NONE ? -EINVAL : err;
    return err ? err : groups_sort(g);
}

/* groups becomes the caller's list; the former one. */
static struct fs_groups *write_groups(struct fs_groups *groups)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct cred new = *own_cred();

    new.fs.groups = groups;
    groups = own_cred()->fs.groups;
    cred_change(&new);
    return groups;
}

long sys_setgroups(const struct syscall_args *a)
{
    struct fs_groups *groups = NULL;
    u32 n = (u32)a->a0;
    int err = 0;

    if (!capable(CAP_SETGID))
        return -EPERM;
    if (n > GROUPS_MAX)
        return -EINVAL;
    if (n) {
        groups = groups_create(n);
        err = groups ? read_groups(groups, a->a1) : -ENOMEM;
    }
    if (!err)
        groups = write_groups(groups);
    groups_put(groups);
    return err;
}

/* ---- the ids that count for files alone; both calls tell the former one, also on failure ---- */

static bool may_have(const struct ids *ids, u32 old, u32 id)
{
    return id != ID_NONE && id != old && (ids->privileged || is_one_of(ids, id));
}

long sys_setfsuid(const struct syscall_args *a)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct cred old = *own_cred();
    struct cred new = old;
    const struct ids ids = user_ids(&new);

    if (!may_have(&ids, old.fs.uid, (u32)a->a0))
        return old.fs.uid;
    new.fs.uid = (u32)a->a0;
    if (!(new.securebits &SECURE_NO_SETUID_FIXUP)) {
        if (old.fs.uid == 0)
            new.fs.caps &= ~CAP_FS_SET;
        else if (new.fs.uid == 0)
            new.fs.caps |= new.permitted &CAP_FS_SET;
    }
    cred_change(&new);
    cred_changed_from(&old);
    return old.fs.uid;
}

long sys_setfsgid(const struct syscall_args *a)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct cred old = *own_cred();
    struct cred new = old;
    const struct ids ids = group_ids(&new);

    if (!may_have(&ids, old.fs.gid, (u32)a->a0))
        return old.fs.gid;
    new.fs.gid = (u32)a->a0;
    cred_change(&new);
    cred_changed_from(&old);
    return old.fs.gid;
}
