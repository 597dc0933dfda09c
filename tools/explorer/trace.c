/* SPDX-License-Identifier: MIT
 *
 * What the last call did: functions entered and left, locks, translations that became wrong and
 * were flushed. In the module every function of lib and mm calls ex_enter and ex_leave
 * (tools/explorer/instrument.py); the page reads the events here.
 */
#include "mm/phys/blocks.h"
#include "mm/phys/slab.h"
#include "mm/vm/object_tree.h"
#include "tools/explorer/explorer.h"

struct ex_event ex_events[EX_EVENTS];
u32 ex_nevents; /* more than EX_EVENTS: the last ones are lost */
u32 ex_stop_at = ~0u;
static bool tracing;

/* The page looks at the structures in the middle of a call: before event ex_stop_at. */
#ifdef __wasm__
__attribute__((import_module("page"), import_name("stopped"))) void ex_stopped(void);
#else
static void ex_stopped(void)
{
}

/* gcc calls these two (-finstrument-functions); the function's address stands for its number. */
void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)caller;
    ex_trace_add(EX_ENTER, 0, (u64)function);
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)caller;
    ex_trace_add(EX_LEAVE, 0, (u64)function);
}
#endif

void ex_enter(u32 id, u64 arg);
void ex_leave(u32 id);
void ex_enter_lock(u32 id, u64 arg, u32 taken, u32 sleeping);

void ex_trace_begin(void)
{
    ex_nevents = 0;
    tracing = true;
}

void ex_trace_end(void)
{
    tracing = false;
}

void ex_trace_add(enum ex_kind kind, u32 id, u64 arg)
{
    if (!tracing)
        return;
    if (ex_nevents == ex_stop_at) {
        tracing = false;
        ex_stopped();
        tracing = true;
    }
    if (ex_nevents < EX_EVENTS)
        ex_events[ex_nevents] = (struct ex_event){kind, id, arg};
    ex_nevents++;
}

void ex_enter(u32 id, u64 arg)
{
    if (!tracing)
        return;
    ex_tlb_look();
    ex_trace_add(EX_ENTER, id, arg);
}

void ex_leave(u32 id)
{
    if (!tracing)
        return;
    ex_tlb_look();
    ex_trace_add(EX_LEAVE, id, 0);
}

/* ---- which lock: a letter in the upper byte, a number below ---- */

#define LOCK(letter, number) ((u64)(letter) << 56 | (number))

struct lock_search {
    const void *lock;
    u64 found;
    u32 at;
};

static void try_cache(const struct slab_cache *c, void *arg)
{
    struct lock_search *s = arg;

    if (s->lock == &c->lock)
        s->found = LOCK('S', s->at);
    s->at++;
}

static u64 lock_in_object(const void *lock, struct vm_object *o, u32 number)
{
    u64 last = o->pages.count ? object_npages(o) : 0;

    if (lock == &o->lock)
        return LOCK('O', number);
    if (lock == &o->log_lock)
        return LOCK('G', number);
    for (u64 i = 0; i < last; i += INDEX_SLOTS) {
        struct index_node *node = index_leaf(&o->pages, (u32)i);

        if (node && lock == &node->lock)
            return LOCK('N', number);
    }
    return 0;
}

/* The first word of a sleeping lock is a spinlock of its own: `sleeping` tells which is meant. */
static u64 lock_name(const void *lock, bool sleeping)
{
    struct lock_search s = {lock, 0, 0};

    for (u32 i = 0; i < EX_PROCS; i++)
        if (ex_procs[i] && lock == &ex_procs[i]->lock)
            return sleeping ? LOCK('M', i) : LOCK('m', i);
    if (lock >= (void *)ex_memmap && lock < (void *)(ex_memmap + EX_FRAMES))
        return LOCK('T',
                    (u64)((const char *)lock - (char *)ex_memmap) / sizeof(struct page));
    for (u32 i = 0; i < EX_FILES; i++) {
        u64 name = ex_files[i].object ? lock_in_object(lock, ex_files[i].object, i) : 0;

        if (name)
            return name;
    }
    if (lock == &buddy.lock)
        return LOCK('B', 0);
    slab_for_each(try_cache, &s);
    return s.found ? s.found : LOCK('?', 0);
}

/* A function that takes or gives up the lock that is its argument. */
void ex_enter_lock(u32 id, u64 arg, u32 taken, u32 sleeping)
{
    u64 name;

    if (!tracing)
        return;
    ex_enter(id, arg);
    tracing = false; /* what follows looks only */
    name = lock_name((const void *)(uintptr_t)arg, sleeping);
    tracing = true;
    ex_trace_add(taken ? EX_LOCK : EX_UNLOCK, id, name);
}
