/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc: segments, sets of semaphores, queues of messages of System V; and the settings
 * of /proc/sys/kernel that are no single number.
 */
#include "kernel/procfs/sysvipc.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/segment.h"
#include "kernel/ipc/sem.h"
#include "kernel/procfs/procfs.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/vm/object.h"

/* Lines from slot `from` on, one for each object of the table. */
static int show(struct seq *out, struct ipc_table *t, const char *head,
                void (*line)(struct seq *out, struct ipc_object *o))
{
    struct ipc_object *o;

    if (!out->from)
        seq_puts(out, head);
    SCOPED_LOCK(&t->lock);
    for (u32 slot = (u32)out->from; (o = ipc_next(t, &slot)); slot++) {
        if (seq_full(out)) {
            out->next = slot;
            break;
        }
        line(out, o);
    }
    return 0;
}

static void show_segment(struct seq *out, struct ipc_object *o)
{
    const struct shm_segment *s = container_of(o, struct shm_segment, ipc);

    if (READ_ONCE(s->file->vm.refs) == 0) /* it is only waiting to be freed */
        return;
    seq_printf(out,
               "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10ld %10ld "
               "%10ld %21lu %21u\n",
               o->key, o->id, o->mode, s->size, s->cpid, s->lpid, shm_attaches(s), o->uid,
               o->gid, o->cuid, o->cgid, s->atime, s->dtime, o->ctime,
               object_resident(shm_object(s)) << PAGE_SHIFT, 0u);
}

static void show_set(struct seq *out, struct ipc_object *o)
{
    const struct sem_set *s = container_of(o, struct sem_set, ipc);

    seq_printf(out, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", o->key, o->id,
               o->mode, s->n, o->uid, o->gid, o->cuid, o->cgid, READ_ONCE(s->otime),
               READ_ONCE(o->ctime));
}

static void show_queue(struct seq *out, struct ipc_object *o)
{
    struct msg_queue *q = container_of(o, struct msg_queue, ipc);

    mutex_lock(&q->lock);
    seq_printf(out,
               "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n",
               o->key, o->id, o->mode, q->cbytes, q->qnum, q->lspid, q->lrpid, o->uid,
               o->gid, o->cuid, o->cgid, q->stime, q->rtime, o->ctime);
    mutex_unlock(&q->lock);
}

int procfs_show_shm(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, &shm_table,
                "       key      shmid perms                  size  cpid  lpid nattch   "
                "uid   gid  cuid  cgid      atime      dtime      ctime                "
                "   rss                  swap\n",
                show_segment);
}

int procfs_show_sem(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, &sem_table,
                "       key      semid perms      nsems   uid   gid  cuid  cgid      "
                "otime      ctime\n",
                show_set);
}

int procfs_show_msg(struct seq *s, s32 pid)
{
    (void)pid;
    return show(s, &msg_table,
                "       key      msqid perms      cbytes       qnum lspid lrpid   uid   "
                "gid  cuid  cgid      stime      rtime      ctime\n",
                show_queue);
}

/* ---- settings ---- */

int procfs_get_sem(struct seq *s)
{
    seq_printf(s, "%u\t%u\t%u\t%u\n", READ_ONCE(sem_msl), READ_ONCE(sem_mns),
               READ_ONCE(sem_opm), READ_ONCE(sem_mni));
    return 0;
}

/* Up to four numbers; those that are not given stay. */
int procfs_set_sem(char *text, size_t n)
{
    static const u32 most[] = {65535, 0x7fffffff, 4096, IPC_OBJECTS_MAX};
    u32 *const of[] = {&sem_msl, &sem_mns, &sem_opm, &sem_mni};
    u64 to[4];
    size_t count = 0;

    for (size_t at = 0; at < n; count++) {
        size_t from = at;

        while (at < n && text[at] != '\t' && text[at] != ' ')
            at++;
        text[at] = '\0';
        if (count == 4 || str_to_u64(text + from, &to[count]) != 0 ||
            to[count] > most[count])
            return -EINVAL;
        while (++at < n && (text[at] == '\t' || text[at] == ' '))
            ;
    }
    for (size_t i = 0; i < count; i++)
        WRITE_ONCE(*of[i], (u32)to[i]);
    return 0;
}

int procfs_get_shm_forced(struct seq *s)
{
    seq_printf(s, "%u\n", shm_forced());
    return 0;
}

int procfs_set_shm_forced(char *text, size_t n)
{
    u64 on;

    if (!n || str_to_u64(text, &on) != 0 || on > 1)
        return -EINVAL;
    shm_force(on);
    return 0;
}

static int show_next(struct seq *s, const struct ipc_table *t)
{
    seq_printf(s, "%d\n", READ_ONCE(t->next_id));
    return 0;
}

static int set_next(struct ipc_table *t, const char *text)
{
    u64 id;

    if (strcmp(text, "-1") == 0)
        id = ~0ull;
    else if (str_to_u64(text, &id) != 0 || id > 0x7fffffff)
        return -EINVAL;
    WRITE_ONCE(t->next_id, (s32)id);
    return 0;
}

#define NEXT_ID(name)                                       \
    int procfs_get_##name##_next(struct seq *s)             \
    {                                                       \
        return show_next(s, &name##_table);                 \
    }                                                       \
    int procfs_set_##name##_next(char *text, size_t n)      \
    {                                                       \
        return n ? set_next(&name##_table, text) : -EINVAL; \
    }
NEXT_ID(sem)
NEXT_ID(msg)
NEXT_ID(shm)
