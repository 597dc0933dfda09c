/* SPDX-License-Identifier: MIT
 *
 * msgctl(2).
 */
#include "kernel/ipc/msg.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

#define MSGSSZ 16 /* units of a pool that no longer exists, as Linux tells them */
#define MSGSEG 0xffff

/* IPC_INFO and MSG_INFO return the highest slot in use. */
static long ctl_info(s32 cmd, vaddr_t buf)
{
    struct msginfo i = {.msgpool = (s32)((u64)msg_mni * msg_mnb / 1024),
                        .msgmap = (s32)msg_mnb,
                        .msgmax = (s32)msg_max,
                        .msgmnb = (s32)msg_mnb,
                        .msgmni = (s32)msg_mni,
                        .msgssz = MSGSSZ,
                        .msgtql = (s32)msg_mnb,
                        .msgseg = MSGSEG};
    long top;

    mutex_lock(&msg_table.lock);
    if (cmd == MSG_INFO) {
        i.msgpool = (s32)ipc_count(&msg_table);
        i.msgmap = (s32)__atomic_load_n(&msg_all, __ATOMIC_RELAXED);
        i.msgtql = (s32)__atomic_load_n(&msg_all_bytes, __ATOMIC_RELAXED);
    }
    top = ipc_highest(&msg_table);
    mutex_unlock(&msg_table.lock);
    return copy_to_user(buf, &i, sizeof(i)) != 0 ? -EFAULT : top;
}

/* IPC_STAT by id, MSG_STAT and MSG_STAT_ANY by slot: these return the id. */
static long ctl_stat(s32 id, s32 cmd, vaddr_t buf)
{
    struct msqid64_ds ds;
    struct ipc_object *o;
    long result = -EINVAL;

    mutex_lock(&msg_table.lock);
    o = cmd == IPC_STAT ? ipc_find_id(&msg_table, id) : ipc_at(&msg_table, id);
    if (o) {
        struct msg_queue *q = container_of(o, struct msg_queue, ipc);

        result = cmd == MSG_STAT_ANY ? 0 : ipc_check(o, 0444);
        mutex_lock(&q->lock);
        ds = (struct msqid64_ds){.perm = ipc_perm(o),
                                 .stime = q->stime,
                                 .rtime = q->rtime,
                                 .ctime = o->ctime,
                                 .cbytes = q->cbytes,
                                 .qnum = q->qnum,
                                 .qbytes = q->qbytes,
                                 .lspid = q->lspid,
                                 .lrpid = q->lrpid};
        mutex_unlock(&q->lock);
        if (!result && cmd != IPC_STAT)
            result = o->id;
    }
    mutex_unlock(&msg_table.lock);
    if (result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) != 0)
        return -EFAULT;
    return result;
}

static int set(struct msg_queue *q, const struct msqid64_ds *to)
{
    REQUIRES(&q->lock);
    int err;

    if (to->qbytes > READ_ONCE(msg_mnb) && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    err = ipc_set_perm(&q->ipc, &to->perm);
    if (err)
        return err;
    q->qbytes = to->qbytes;
    msg_retry(q);
    return 0;
}

/* IPC_SET (to) and IPC_RMID (NULL). */
static long ctl_change(s32 id, const struct msqid64_ds *to)
{
    struct ipc_object *o;
    struct msg_queue *q;
    int err;

    mutex_lock(&msg_table.lock);
    o = ipc_find_id(&msg_table, id);
    if (!o) {
        mutex_unlock(&msg_table.lock);
        return -EINVAL;
    }
    q = container_of(o, struct msg_queue, ipc);
    mutex_lock(&q->lock);
    err = ipc_check_owner(o);
    if (!err && to)
        err = set(q, to);
    if (!err && !to)
        msg_unlist(q);
    mutex_unlock(&msg_table.lock);
    if (err || to) {
        mutex_unlock(&q->lock);
        return err;
    }
    msg_drain(q);
    msg_put(q);
    return 0;
}

/* msgctl(id, cmd, buf) */
long sys_msgctl(const struct syscall_args *a)
{
    s32 id = (s32)a->a0, cmd = (s32)a->a1;
    struct msqid64_ds ds;

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO:
        return ctl_info(cmd, a->a2);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return ctl_stat(id, cmd, a->a2);
    case IPC_SET:
        if (copy_from_user(&ds, a->a2, sizeof(ds)) != 0)
            return -EFAULT;
        return ctl_change(id, &ds);
    case IPC_RMID:
        return ctl_change(id, NULL);
    default:
        return -EINVAL;
    }
}
