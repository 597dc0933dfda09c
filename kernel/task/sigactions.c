/* SPDX-License-Identifier: MIT
 *
 * Tables of signal actions, which processes may have in common.
 */
#include "kernel/task/sigactions.h"
#include "kernel/task/proc.h"
#include "lib/string.h"
#include "mm/phys/slab.h"

struct sigactions *sigactions_copy(struct sigactions *from)
{
    struct sigactions *a = from ? kmalloc(sizeof(*a)) : kzalloc(sizeof(*a));
    irqflags_t flags;

    if (!a)
        return NULL;
    a->refs = 1;
    if (!from)
        return a;
    a->lock = (spinlock_t)SPINLOCK_INIT;
    flags = spin_lock_irq(&from->lock);
    memcpy(a->of, from->of, sizeof(a->of));
    spin_unlock_irq(&from->lock, flags);
    return a;
}

void sigactions_get(struct sigactions *a)
{
    __atomic_fetch_add(&a->refs, 1, __ATOMIC_RELAXED);
}

void sigactions_put(struct sigactions *a)
{
    if (a && __atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kfree(a);
}

/* An ignored signal is ignored all the while: others read the handlers without the lock. */
void sigactions_reset(struct sigactions *a)
{
    irqflags_t flags = spin_lock_irq(&a->lock);

    for (int signo = 1; signo <= NSIG; signo++) {
        struct kernel_sigaction *act = &a->of[signo];

        if (act->sa_handler != SIG_IGN)
            WRITE_ONCE(act->sa_handler, SIG_DFL);
        WRITE_ONCE(act->sa_flags, 0);
        act->sa_restorer = 0;
        act->sa_mask = 0;
    }
    spin_unlock_irq(&a->lock, flags);
}
