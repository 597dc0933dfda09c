/* SPDX-License-Identifier: MIT
 *
 * See inject.h. fail_next(n, fault) says which allocation fails and returns what the request
 * before it had left: 0 when its allocation failed, else how many were missing.
 */
#include "kernel/inject.h"
#include "kernel/syscall.h"
#include "lib/uapi/errno.h"
#include "mm/phys/buddy.h"

#ifdef TESSERA_DEBUG

bool inject_begin(struct thread *t, bool fault)
{
    struct injection *i = &t->inject;

    if (likely(!i->next) || i->fault != fault)
        return false;
    alloc_fail_at(i->next);
    i->next = 0;
    i->active = true;
    return true;
}

void inject_end(struct thread *t)
{
    struct injection *i = &t->inject;

    i->left = alloc_fail_left();
    i->active = false;
    alloc_fail_at(0);
    if (i->fault)
        i->next = i->left; /* any of the faults that follow, until it has failed */
}

void inject_switch(struct thread *prev, const struct thread *next)
{
    if (prev->inject.active)
        prev->inject.left = alloc_fail_left();
    alloc_fail_at(next->inject.active ? next->inject.left : 0);
}

long sys_fail_next(const struct syscall_args *a)
{
    struct injection *i = &current_thread()->inject;
    u64 left = i->next ? i->next : i->left;

    if (a->a1 > 1)
        return -EINVAL;
    i->next = a->a0;
    i->fault = a->a1;
    i->left = 0;
    return (long)left;
}
#endif
