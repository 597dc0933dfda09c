/* SPDX-License-Identifier: MIT
 *
 * User and group numbers, capabilities, prctl.
 */
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define ID_NONE 0xffffffffu /* -1: leave as it is */

long sys_getuid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->uid;
}

long sys_geteuid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->euid;
}

long sys_getgid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->gid;
}

long sys_getegid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->egid;
}

/* The three numbers of one kind. */
struct ids {
    u32 *real, *effective, *saved;
};

static struct ids user_ids(void)
{
    struct proc *p = current_proc();

    return (struct ids){&p->uid, &p->euid, &p->suid};
}

static struct ids group_ids(void)
{
    struct proc *p = current_proc();

    return (struct ids){&p->gid, &p->egid, &p->sgid};
}

static bool is_root(void)
{
    return current_proc()->euid == 0;
}

static bool is_one_of(struct ids ids, u32 id)
{
    return id == ID_NONE || id == *ids.real || id == *ids.effective || id == *ids.saved;
}

static void changed(void)
{
    struct proc *p = current_proc();

    p->not_dumpable = true;
    p->pdeath_signal = 0;
    proc_limits_changed(p, p->mm);
}

static long set_id(struct ids ids, u32 id)
{
    if (id == ID_NONE)
        return -EINVAL;
    if (is_root())
        *ids.real = *ids.saved = id;
    else if (id != *ids.real && id != *ids.saved)
        return -EPERM;
    *ids.effective = id;
    changed();
    return 0;
}

static long set_real_effective(struct ids ids, u32 real, u32 effective)
{
    u32 old_real = *ids.real;

    if (!is_root()) {
        if (real != ID_NONE && real != *ids.real && real != *ids.effective)
            return -EPERM;
        if (!is_one_of(ids, effective))
            return -EPERM;
    }
    if (real != ID_NONE)
        *ids.real = real;
    if (effective != ID_NONE)
        *ids.effective = effective;
    if (real != ID_NONE || (effective != ID_NONE && effective != old_real))
        *ids.saved = *ids.effective;
    changed();
    return 0;
}

static long set_three(struct ids ids, u32 real, u32 effective, u32 saved)
{
    if (!is_root() &&
        !(is_one_of(ids, real) && is_one_of(ids, effective) && is_one_of(ids, saved)))
        return -EPERM;
    if (real != ID_NONE)
        *ids.real = real;
    if (effective != ID_NONE)
        *ids.effective = effective;
    if (saved != ID_NONE)
        *ids.saved = saved;
    changed();
    return 0;
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
        return p->ngroups;
    if ((u32)size < p->ngroups)
        return -EINVAL;
    if (copy_to_user(a->a1, p->groups, p->ngroups * sizeof(u32)) != 0)
        return -EFAULT;
    return p->ngroups;
}

long sys_setgroups(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    u32 groups[ARRAY_SIZE(p->groups)];
    u64 n = a->a0;

    if (!is_root())
        return -EPERM;
    if ((s32)n < 0 || n > ARRAY_SIZE(groups))
        return -EINVAL;
    if (copy_from_user(groups, a->a1, n * sizeof(u32)) != 0)
        return -EFAULT;
    memcpy(p->groups, groups, n * sizeof(u32));
    p->ngroups = (u32)n;
    return 0;
}

/* ---- capabilities: root has all of them, others none ---- */

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u
#define CAP_LAST      40u

struct cap_header {
    u32 version;
    s32 pid;
};

struct cap_words {
    u32 effective, permitted, inheritable;
};

long sys_capget(const struct syscall_args *a)
{
    struct cap_header head;
    struct cap_words words[2] = {{0, 0, 0}, {0, 0, 0}};
    const u64 all = (1ull << (CAP_LAST + 1)) - 1;
    irqflags_t flags;
    const struct proc *p;
    bool root, found;

    if (copy_from_user(&head, a->a0, sizeof(head)) != 0)
        return -EFAULT;
    if (head.version != CAP_VERSION_1 && head.version != CAP_VERSION_2 &&
        head.version != CAP_VERSION_3) {
        head.version = CAP_VERSION_3;
        if (copy_to_user(a->a0, &head, sizeof(head)) != 0)
            return -EFAULT;
        return a->a1 ? -EINVAL : 0;
    }
    if (head.pid < 0)
        return -EINVAL;
    flags = spin_lock_irq(&proc_lock);
    p = head.pid ? proc_find(head.pid) : current_proc();
    found = p != NULL;
    root = p && p->euid == 0;
    spin_unlock_irq(&proc_lock, flags);
    if (!found)
        return -ESRCH;
    if (root) {
        words[0].effective = words[0].permitted = (u32)all;
        words[1].effective = words[1].permitted = (u32)(all >> 32);
    }
    if (!a->a1)
        return 0;
    return copy_to_user(a->a1, words, head.version == CAP_VERSION_1 ? 12 : sizeof(words));
}

/* ---- prctl ---- */

#define PR_SET_PDEATHSIG    1
#define PR_GET_PDEATHSIG    2
#define PR_GET_DUMPABLE     3
#define PR_SET_DUMPABLE     4
#define PR_SET_NAME         15
#define PR_GET_NAME         16
#define PR_CAPBSET_READ     23
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39

static long set_comm(vaddr_t src)
{
    struct thread *t = current_thread();
    char name[COMM_LEN];
    ssize_t n = strncpy_from_user(name, src, sizeof(name));

    if (n == -EFAULT)
        return n;
    name[COMM_LEN - 1] = '\0'; /* a longer name is cut */
    str_copy(t->comm, name, sizeof(t->comm));
    str_copy(t->proc->comm, name, sizeof(t->proc->comm));
    return 0;
}

static long get_comm(vaddr_t dst)
{
    char name[COMM_LEN] = {0};

    str_copy(name, current_thread()->comm, sizeof(name));
    return copy_to_user(dst, name, sizeof(name));
}

long sys_prctl(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    s32 value;

    switch ((int)a->a0) {
    case PR_SET_PDEATHSIG:
        if (a->a1 > NSIG)
            return -EINVAL;
        p->pdeath_signal = (int)a->a1;
        return 0;
    case PR_GET_PDEATHSIG:
        value = p->pdeath_signal;
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_DUMPABLE:
        return !p->not_dumpable;
    case PR_SET_DUMPABLE:
        if (a->a1 > 1)
            return -EINVAL;
        p->not_dumpable = a->a1 == 0;
        return 0;
    case PR_SET_NAME:
        return set_comm(a->a1);
    case PR_GET_NAME:
        return get_comm(a->a1);
    case PR_CAPBSET_READ:
        return a->a1 <= CAP_LAST ? 1 : -EINVAL;
    case PR_SET_NO_NEW_PRIVS:
        if (a->a1 != 1 || a->a2 || a->a3 || a->a4)
            return -EINVAL;
        p->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return a->a1 || a->a2 || a->a3 || a->a4 ? -EINVAL : p->no_new_privs;
    default:
        return -EINVAL;
    }
}
