/* SPDX-License-Identifier: MIT
 *
 * semctl(2).
 */
#include "fs/inode.h"
#include "kernel/ipc/sem.h"
#include "kernel/ipc/sem_undo.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define SEMUSZ 20 /* of a struct sem_undo, as Linux tells it */

/* IPC_INFO and SEM_INFO return the highest slot in use. */
static long ctl_info(s32 cmd, vaddr_t buf)
{
    struct seminfo i = {.semmap = (s32)sem_mns,
                        .semmni = (s32)sem_mni,
                        .semmns = (s32)sem_mns,
                        .semmnu = (s32)sem_mns,
                        .semmsl = (s32)sem_msl,
                        .semopm = (s32)sem_opm,
                        .semume = (s32)sem_opm,
                        .semusz = SEMUSZ,
                        .semvmx = SEMVMX,
                        .semaem = SEMAEM};
    long top;

    mutex_lock(&sem_table.lock);
    if (cmd == SEM_INFO) {
        i.semusz = (s32)ipc_count(&sem_table);
        i.semaem = (s32)sem_total();
    }
    top = ipc_highest(&sem_table);
    mutex_unlock(&sem_table.lock);
    return copy_to_user(buf, &i, sizeof(i)) != 0 ? -EFAULT : top;
}

/* IPC_STAT by id, SEM_STAT and SEM_STAT_ANY by slot: these return the id. */
static long ctl_stat(s32 id, s32 cmd, vaddr_t buf)
{
    struct semid64_ds ds;
    struct ipc_object *o;
    long result = -EINVAL;

    mutex_lock(&sem_table.lock);
    o = cmd == IPC_STAT ? ipc_find_id(&sem_table, id) : ipc_at(&sem_table, id);
    if (o) {
        const struct sem_set *s = container_of(o, struct sem_set, ipc);

        result = cmd == SEM_STAT_ANY ? 0 : ipc_check(o, 0444);
        ds = (struct semid64_ds){.perm = ipc_perm(o),
                                 .otime = READ_ONCE(s->otime),
                                 .ctime = READ_ONCE(o->ctime),
                                 .nsems = s->n};
        if (!result && cmd != IPC_STAT)
            result = o->id;
    }
    mutex_unlock(&sem_table.lock);
    if (result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) != 0)
        return -EFAULT;
    return result;
}

/* IPC_SET (to) and IPC_RMID (NULL). */
static long ctl_change(s32 id, const struct ipc64_perm *to)
{
    struct ipc_object *o;
    struct sem_set *s;
    int err;

    mutex_lock(&sem_table.lock);
    o = ipc_find_id(&sem_table, id);
    if (!o) {
        mutex_unlock(&sem_table.lock);
        return -EINVAL;
    }
    s = container_of(o, struct sem_set, ipc);
    mutex_lock(&s->lock);
    err = ipc_check_owner(o);
    if (!err && to)
        err = ipc_set_perm(o, to);
    if (!err && !to)
        sem_unlist(s);
    mutex_unlock(&sem_table.lock);
    if (err || to) {
        mutex_unlock(&s->lock);
        return err;
    }
    sem_undo_forget(s);
    sem_evict(s);
    sem_put(s);
    return 0;
}

/* ---- values ---- */

/* Semaphore `from` and `n - 1` behind it get new values, and their undos are forgotten. */
static void set_values(struct sem_set *s, u32 from, u32 n, const u16 *values)
{
    REQUIRES(&s->lock);
    struct list *pos;

    list_for_each (pos, &s->undos) {
        struct sem_undo *u = list_entry(pos, struct sem_undo, of_set);

        memset(u->adjust + from, 0, n * sizeof(u->adjust[0]));
        pause_anyway();
    }
    for (u32 i = 0; i < n; i++)
        s->sem[from + i] = (struct semaphore){values[i], current_proc()->pid};
    s->ipc.ctime = ipc_seconds(fs_now());
    sem_update(s);
}

static long ctl_setval(s32 id, s32 num, s32 value)
{
    struct sem_set *s;
    int err;

    if (value < 0 || value > SEMVMX)
        return -ERANGE;
    err = sem_get(id, &s);
    if (err)
        return err;
    err = num < 0 || (u32)num >= s->n ? -EINVAL : ipc_check(&s->ipc, 0222);
    if (!err)
        set_values(s, (u32)num, 1, &(u16){(u16)value});
    sem_put(s);
    return err;
}

static int read_values(u16 *values, u32 n, vaddr_t from)
{
    if (copy_from_user(values, from, n * sizeof(*values)) != 0)
        return -EFAULT;
    for (u32 i = 0; i < n; i++)
        if (values[i] > SEMVMX)
            return -ERANGE;
    return 0;
}

/* GETALL and SETALL. The program's memory is not touched with the set locked. */
static long ctl_all(s32 id, s32 cmd, vaddr_t buf)
{
    struct sem_set *s;
    u16 *values = NULL;
    int err = sem_get(id, &s);

    if (err)
        return err;
    err = ipc_check(&s->ipc, cmd == SETALL ? 0222 : 0444);
    if (!err && !(values = kmalloc(s->n * sizeof(*values))))
        err = -ENOMEM;
    for (u32 i = 0; !err && i < s->n; i++)
        values[i] = (u16)s->sem[i].value;
    mutex_unlock(&s->lock);
    if (!err && cmd == GETALL) {
        err = copy_to_user(buf, values, s->n * sizeof(*values));
    } else if (!err) {
        err = read_values(values, s->n, buf);
        mutex_lock(&s->lock);
        if (!err && s->removed)
            err = -EIDRM;
        if (!err)
            set_values(s, 0, s->n, values);
        mutex_unlock(&s->lock);
    }
    kfree(values);
    sem_drop(s);
    return err;
}

/* GETVAL, GETPID, GETNCNT, GETZCNT. */
static long ctl_get(s32 id, s32 num, s32 cmd)
{
    struct sem_set *s;
    long result = sem_get(id, &s);

    if (result)
        return result;
    result = ipc_check(&s->ipc, 0444);
    if (!result && (num < 0 || (u32)num >= s->n))
        result = -EINVAL;
    if (!result && cmd == GETVAL)
        result = s->sem[num].value;
    else if (!result && cmd == GETPID)
        result = s->sem[num].pid;
    else if (!result)
        result = sem_count_waiters(s, (u32)num, cmd == GETZCNT);
    sem_put(s);
    return result;
}

/* semctl(id, number, cmd, arg) */
long sys_semctl(const struct syscall_args *a)
{
    s32 id = (s32)a->a0, num = (s32)a->a1, cmd = (s32)a->a2;
    struct semid64_ds ds;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO:
        return ctl_info(cmd, a->a3);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return ctl_stat(id, cmd, a->a3);
    case GETALL:
    case SETALL:
        return ctl_all(id, cmd, a->a3);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return ctl_get(id, num, cmd);
    case SETVAL:
        return ctl_setval(id, num, (s32)a->a3);
    case IPC_SET:
        if (copy_from_user(&ds, a->a3, sizeof(ds)) != 0)
            return -EFAULT;
        return ctl_change(id, &ds.perm);
    case IPC_RMID:
        return ctl_change(id, NULL);
    default:
        return -EINVAL;
    }
}
