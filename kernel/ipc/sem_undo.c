/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO: what is added to semaphores at the end of the threads that share a list; see
 * kernel/ipc/sem.h. An undo leaves with its set or with its list, whichever is first.
 */
#include "kernel/ipc/sem_undo.h"
#include "fs/inode.h"
#include "kernel/ipc/sem.h"
#include "kernel/task/proc.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

struct sem_undos {
    u32 refs;        /* atomic: threads */
    spinlock_t lock; /* below S of any set */
    struct list all; /* [lock] of struct sem_undo.of_list */
};

static size_t undo_bytes(const struct sem_set *s)
{
    return sizeof(struct sem_undo) + s->n * sizeof(s16);
}

/* The running thread's list, made if there is none. */
static struct sem_undos *own_list(void)
{
    struct thread *t = current_thread();

    if (!t->undos && (t->undos = kzalloc(sizeof(*t->undos)))) {
        t->undos->refs = 1;
        list_init(&t->undos->all);
    }
    return t->undos;
}

static struct sem_undo *find(struct sem_undos *l, const struct sem_set *s)
{
    REQUIRES(&l->lock);
    struct list *pos;

    list_for_each (pos, &l->all)
        if (list_entry(pos, struct sem_undo, of_list)->set == s)
            return list_entry(pos, struct sem_undo, of_list);
    return NULL;
}

int sem_undo_get(struct sem_set *s, struct sem_undo **out)
{
    REQUIRES(&s->lock);
    struct sem_undos *l = own_list();
    struct sem_undo *u;
    struct account *a;

    if (!l)
        return -ENOMEM;
    spin_lock(&l->lock);
    u = find(l, s);
    spin_unlock(&l->lock);
    if (!u) {
        a = ipc_charge(undo_bytes(s));
        u = a ? kzalloc(undo_bytes(s)) : NULL;
        if (!u) {
            if (a)
                ipc_uncharge(a, undo_bytes(s));
            return -ENOMEM;
        }
        u->account = a;
        u->list = l;
        u->set = s;
        list_add(&s->undos, &u->of_set);
        spin_lock(&l->lock);
        list_add(&l->all, &u->of_list);
        spin_unlock(&l->lock);
    }
    *out = u;
    return 0;
}

/* Nobody finds it in its list any more. */
static void undo_free(struct sem_undo *u)
{
    struct sem_set *s = u->set;

    REQUIRES(&s->lock);
    list_del(&u->of_set);
    ipc_uncharge(u->account, undo_bytes(s));
    kfree(u);
}

void sem_undo_forget(struct sem_set *s)
{
    REQUIRES(&s->lock);
    while (!list_empty(&s->undos)) {
        struct sem_undo *u = list_entry(s->undos.next, struct sem_undo, of_set);
        struct sem_undos *l = u->list;

        spin_lock(&l->lock);
        list_del(&u->of_list);
        spin_unlock(&l->lock);
        undo_free(u);
        pause_anyway();
    }
}

/* Values stay between 0 and SEMVMX, as on Linux. */
static void apply(struct sem_set *s, const struct sem_undo *u)
{
    REQUIRES(&s->lock);
    for (u32 i = 0; i < s->n; i++) {
        if (!u->adjust[i])
            continue;
        s->sem[i].value = MAX(0, MIN(SEMVMX, s->sem[i].value + u->adjust[i]));
        s->sem[i].pid = current_proc()->pid;
    }
    s->otime = ipc_seconds(fs_now());
    sem_update(s);
}

/* The first set that the list still has something for, with a reference. */
static struct sem_set *first_set(struct sem_undos *l)
{
    struct sem_set *s = NULL;

    spin_lock(&l->lock);
    if (!list_empty(&l->all)) {
        s = list_entry(l->all.next, struct sem_undo, of_list)->set;
        __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&l->lock);
    return s;
}

void sem_undo_leave(struct thread *t)
{
    struct sem_undos *l = t->undos;
    struct sem_set *s;

    t->undos = NULL;
    if (!l || __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    while ((s = first_set(l))) {
        struct sem_undo *u;

        mutex_lock(&s->lock);
        spin_lock(&l->lock);
        u = find(l, s); /* the set may have gone before it was locked */
        if (u)
            list_del(&u->of_list);
        spin_unlock(&l->lock);
        if (u) {
            apply(s, u);
            undo_free(u);
        }
        sem_put(s);
        pause_anyway();
    }
    kfree(l);
}

int sem_undo_share(struct thread *t)
{
    t->undos = own_list();
    if (!t->undos)
        return -ENOMEM;
    __atomic_fetch_add(&t->undos->refs, 1, __ATOMIC_RELAXED);
    return 0;
}
