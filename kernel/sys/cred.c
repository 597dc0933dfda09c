/* SPDX-License-Identifier: MIT
 *
 * User and group numbers.
 */
#include "kernel/task/cred.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define ID_NONE 0xffffffffu /* -1: leave as it is */

long sys_getuid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->cred.uid;
}

long sys_geteuid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->cred.euid;
}

long sys_getgid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->cred.gid;
}

long sys_getegid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->cred.egid;
}

/* The three numbers of one kind. */
struct ids {
    u32 *real, *effective, *saved;
    bool privileged; /* may set them to anything */
};

static struct ids user_ids(void)
{
    struct proc *p = current_proc();

    return (struct ids){&p->cred.uid, &p->cred.euid, &p->cred.suid,
                        proc_capable(p, CAP_SETUID)};
}

static struct ids group_ids(void)
{
    struct proc *p = current_proc();

    return (struct ids){&p->cred.gid, &p->cred.egid, &p->cred.sgid,
                        proc_capable(p, CAP_SETGID)};
}

static bool is_one_of(struct ids ids, u32 id)
{
    return id == ID_NONE || id == *ids.real || id == *ids.effective || id == *ids.saved;
}

/* Sets all three (ID_NONE: stays) and takes or gives what belongs to user 0. */
static long commit(struct ids ids, u32 real, u32 effective, u32 saved)
{
    struct proc *p = current_proc();
    const struct cred before = p->cred;
    bool of_users = ids.real == &p->cred.uid;

    if (of_users && real != ID_NONE && real != p->cred.uid) {
        int err = proc_set_account(real);

        if (err)
            return err;
    }
    if (real != ID_NONE)
        *ids.real = real;
    if (effective != ID_NONE)
        *ids.effective = effective;
    if (saved != ID_NONE)
        *ids.saved = saved;
    if (of_users) {
        cred_fixup_uids(p, &before);
        p->cred.fs.uid = p->cred.euid;
    } else {
        p->cred.fs.gid = p->cred.egid;
    }
    sched_user_changed(p);
    cred_changed_from(p, &before);
    proc_limits_changed(p, p->mm);
    return 0;
}

static long set_id(struct ids ids, u32 id)
{
    if (id == ID_NONE)
        return -EINVAL;
    if (ids.privileged)
        return commit(ids, id, id, id);
    if (id != *ids.real && id != *ids.saved)
        return -EPERM;
    return commit(ids, ID_NONE, id, ID_NONE);
}

static long set_real_effective(struct ids ids, u32 real, u32 effective)
{
    u32 saved = ID_NONE;

    if (!ids.privileged) {
        if (real != ID_NONE && real != *ids.real && real != *ids.effective)
            return -EPERM;
        if (!is_one_of(ids, effective))
            return -EPERM;
    }
    if (real != ID_NONE || (effective != ID_NONE && effective != *ids.real))
        saved = effective != ID_NONE ? effective : *ids.effective;
    return commit(ids, real, effective, saved);
}

static long set_three(struct ids ids, u32 real, u32 effective, u32 saved)
{
    if (!ids.privileged &&
        !(is_one_of(ids, real) && is_one_of(ids, effective) && is_one_of(ids, saved)))
        return -EPERM;
    return commit(ids, real, effective, saved);
}

static long get_three(struct ids ids, const struct syscall_args *a)
{
    if (copy_to_user(a->a0, ids.real, sizeof(u32)) != 0 ||
        copy_to_user(a->a1, ids.effective, sizeof(u32)) != 0 ||
        copy_to_user(a->a2, ids.saved, sizeof(u32)) != 0)
        return -EFAULT;
    return 0;
}

long sys_setuid(const struct syscall_args *a)
{
    return set_id(user_ids(), (u32)a->a0);
}

long sys_setgid(const struct syscall_args *a)
{
    return set_id(group_ids(), (u32)a->a0);
}

long sys_setreuid(const struct syscall_args *a)
{
    return set_real_effective(user_ids(), (u32)a->a0, (u32)a->a1);
}

long sys_setregid(const struct syscall_args *a)
{
    return set_real_effective(group_ids(), (u32)a->a0, (u32)a->a1);
}

long sys_setresuid(const struct syscall_args *a)
{
    return set_three(user_ids(), (u32)a->a0, (u32)a->a1, (u32)a->a2);
}

long sys_setresgid(const struct syscall_args *a)
{
    return set_three(group_ids(), (u32)a->a0, (u32)a->a1, (u32)a->a2);
}

long sys_getresuid(const struct syscall_args *a)
{
    return get_three(user_ids(), a);
}

long sys_getresgid(const struct syscall_args *a)
{
    return get_three(group_ids(), a);
}

long sys_getgroups(const struct syscall_args *a)
{
    const struct proc *p = current_proc();
    s32 size = (s32)a->a0;

    if (size < 0)
        return -EINVAL;
    if (size == 0)
        return p->cred.fs.ngroups;
    if ((u32)size < p->cred.fs.ngroups)
        return -EINVAL;
    if (p->cred.fs.ngroups &&
        copy_to_user(a->a1, p->cred.fs.groups, p->cred.fs.ngroups * sizeof(u32)) != 0)
        return -EFAULT;
    return p->cred.fs.ngroups;
}

long sys_setgroups(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    u32 groups[ARRAY_SIZE(p->cred.fs.groups)];
    u32 n = (u32)a->a0;

    if (!proc_capable(p, CAP_SETGID))
        return -EPERM;
    if (n > ARRAY_SIZE(groups))
        return -EINVAL;
    if (copy_from_user(groups, a->a1, n * sizeof(u32)) != 0)
        return -EFAULT;
    memcpy(p->cred.fs.groups, groups, n * sizeof(u32));
    p->cred.fs.ngroups = n;
    return 0;
}

/* The id that counts for files alone. Both calls tell the former one, also on failure. */
static u32 set_fs_id(struct ids ids, u32 *slot, u32 id)
{
    u32 old = *slot;

    if (id == ID_NONE || id == old || !(ids.privileged || is_one_of(ids, id)))
        return old;
    *slot = id;
    return old;
}

long sys_setfsuid(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    const struct cred before = p->cred;
    u32 old = set_fs_id(user_ids(), &p->cred.fs.uid, (u32)a->a0);

    if (!(p->cred.securebits & SECURE_NO_SETUID_FIXUP)) {
        if (old == 0 && p->cred.fs.uid != 0)
            p->cred.fs.caps &= ~CAP_FS_SET;
        if (old != 0 && p->cred.fs.uid == 0)
            p->cred.fs.caps |= p->cred.permitted & CAP_FS_SET;
    }
    cred_changed_from(p, &before);
    return old;
}

long sys_setfsgid(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    const struct cred before = p->cred;
    u32 old = set_fs_id(group_ids(), &p->cred.fs.gid, (u32)a->a0);

    cred_changed_from(p, &before);
    return old;
}
