/* SPDX-License-Identifier: MIT
 *
 * The runtime of -fsanitize=thread, by watchpoints. A watched access is a word in a small
 * table: who touches those bytes in a way that conflicts takes the word away and leaves the
 * place it did so from. Nothing here is instrumented itself.
 */
#include "lib/kcsan.h"

#ifdef TESSERA_KCSAN

#include "arch/symbols.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/percpu.h"

#define WATCHES     64u
#define NEARBY      3u   /* places of the table where a watch of an address may be */
#define EVERY       797u /* plain accesses between two that are watched, about */
#define WAIT        400u /* turns for which one is */
/* Each LONG-th watch lasts for so many cycles: on an emulator the other CPU may not run just now,
 * and runs again when its host has given it its turn. */
#define LONG        128u
#define LONG_CYCLES 3000000u
#define RACES       256u /* known pairs of places */

/* A watch in a word: address, size, whether it writes. 0: free, TAKEN: taken away. */
#define WATCH_ADDRESS(w) ((uintptr_t)((s64)((w) << 16) >> 16))
#define WATCH_SIZE(w)    ((w) >> 48 & 15)
#define WATCH_WRITES     (1ull << 52)
#define WATCH_SET        (1ull << 53)
#define TAKEN            1ull

struct watch {
    u64 word;
    u64 word_set;    /* what the one who watches put there */
    uintptr_t other; /* who took the word away: its place, and whether it wrote */
    bool other_writes;
};

struct race {
    uintptr_t place[2];
    uintptr_t address;
    u32 size;
    bool writes[2], told;
};

struct kcsan_cpu {
    u32 busy; /* this CPU watches, or tells */
    u32 left; /* accesses until it watches one */
    u32 watches;
};

static DEFINE_PER_CPU(struct kcsan_cpu, kcsan_cpu);
static struct watch watches[WATCHES];
static struct race races[RACES];
static u32 nraces, ntold, races_lock;
static bool running, panic_at_once;

void kcsan_stop(void)
{
    WRITE_ONCE(running, false);
}

/* ---- races ---- */

static void tell(struct race *r)
{
    u64 offset[2];
    const char *name[2];

    for (int i = 0; i < 2; i++)
        name[i] = symbol_at(r->place[i] - 1, &offset[i]);
    printk("kcsan: race of %u bytes at %#lx: %s at %s+%#lx, %s at %s+%#lx\n", r->size,
           (unsigned long)r->address, r->writes[0] ? "written" : "read", name[0],
           (unsigned long)offset[0],
           !r->place[1]   ? "changed"
           : r->writes[1] ? "written"
                          : "read",
           r->place[1] ? name[1] : "an unknown place", (unsigned long)offset[1]);
    if (panic_at_once)
        panic("kcsan: race between %s and %s", name[0],
              r->place[1] ? name[1] : "an unknown place");
}

/* Where printing is allowed: what was found meanwhile. */
static void tell_all(void)
{
    while (READ_ONCE(ntold) < __atomic_load_n(&nraces, __ATOMIC_ACQUIRE)) {
        u32 i = __atomic_fetch_add(&ntold, 1, __ATOMIC_RELAXED);

        if (i < RACES && !__atomic_exchange_n(&races[i].told, true, __ATOMIC_ACQ_REL))
            tell(&races[i]);
    }
}

static void found(struct race r)
{
    u32 i;

    while (__atomic_exchange_n(&races_lock, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
    for (i = 0; i < nraces; i++)
        if ((races[i].place[0] == r.place[0] && races[i].place[1] == r.place[1]) ||
            (races[i].place[0] == r.place[1] && races[i].place[1] == r.place[0]))
            break;
    if (i == nraces && i < RACES) {
        races[i] = r;
        __atomic_store_n(&nraces, i + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&races_lock, 0, __ATOMIC_RELEASE);
}

/* ---- watching ---- */

static u32 place_of(uintptr_t address)
{
    return (u32)((address >> 3) * 0x9e3779b1u >> 16) % WATCHES;
}

static bool overlap(u64 word, uintptr_t address, size_t size)
{
    uintptr_t at = WATCH_ADDRESS(word);

    return (word & WATCH_SET) && at < address + size && address < at + WATCH_SIZE(word);
}

/* Whether another CPU watches these bytes, and the two conflict: it will tell. */
static void check(uintptr_t address, size_t size, bool writes, uintptr_t place)
{
    u32 first = place_of(address);

    for (u32 i = 0; i < NEARBY; i++) {
        struct watch *w = &watches[(first + i) % WATCHES];
        u64 word = READ_ONCE(w->word);

        if (likely(!(word & WATCH_SET)) || !overlap(word, address, size) ||
            (!writes && !(word & WATCH_WRITES)))
            continue;
        if (__atomic_compare_exchange_n(&w->word, &word, TAKEN, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            WRITE_ONCE(w->other_writes, writes);
            __atomic_store_n(&w->other, place, __ATOMIC_RELEASE);
        }
    }
}

static u64 value_at(uintptr_t address, size_t size)
{
    switch (size) {
    case 1:
        return READ_ONCE(*(const u8 *)address);
    case 2:
        return READ_ONCE(*(const u16 *)address);
    case 4:
        return READ_ONCE(*(const u32 *)address);
    case 8:
        return READ_ONCE(*(const u64 *)address);
    default:
        return 0;
    }
}

static struct watch *set_watch(uintptr_t address, size_t size, bool writes)
{
    u64 word = WATCH_SET | (u64)size << 48 | (address & 0xffffffffffffull) |
               (writes ? WATCH_WRITES : 0);
    u32 first = place_of(address);

    for (u32 i = 0; i < NEARBY; i++) {
        struct watch *w = &watches[(first + i) % WATCHES];
        u64 free = 0;

        if (__atomic_compare_exchange_n(&w->word, &free, word, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            w->word_set = word;
            return w;
        }
    }
    return NULL;
}

/* Waits a moment for somebody else to take the watch away. */
static void wait(const struct watch *w)
{
    u64 word = w->word_set, start = cpu_cycles();
    bool for_long = ++this_cpu(kcsan_cpu).watches % LONG == 0;

    for (u32 i = 0; READ_ONCE(w->word) == word; i++) {
        if (i >= WAIT && (!for_long || cpu_cycles() - start >= LONG_CYCLES))
            return;
        cpu_relax();
    }
}

/* Looks whether somebody else touches what this place is about to. */
static void watch(uintptr_t address, size_t size, bool writes, uintptr_t place)
{
    struct watch *w = set_watch(address, size, writes);
    u64 before = value_at(address, size), word;
    bool changed;

    if (!w)
        return;
    word = w->word_set;
    wait(w);
    changed = value_at(address, size) != before;
    if (__atomic_compare_exchange_n(&w->word, &word, 0, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED)) {
        if (changed)
            found((struct race){.place = {place, 0},
                                .address = address,
                                .size = (u32)size,
                                .writes = {writes, true}});
        return;
    }
    while (!__atomic_load_n(&w->other, __ATOMIC_ACQUIRE))
        cpu_relax();
    found((struct race){.place = {place, w->other},
                        .address = address,
                        .size = (u32)size,
                        .writes = {writes, w->other_writes}});
    w->other = 0;
    __atomic_store_n(&w->word, 0, __ATOMIC_RELEASE);
}

static void touched(uintptr_t address, size_t size, bool writes, bool marked,
                    uintptr_t place)
{
    struct kcsan_cpu *c;

    if (!READ_ONCE(running) || (s64)address >= 0) /* programs race as they like */
        return;
    c = this_cpu_ptr(kcsan_cpu);
    if (c->busy)
        return;
    check(address, size, writes, place);
    if (marked || size > 8 || c->left--)
        return;
    c->busy++;
    c->left = EVERY + (u32)(cpu_cycles() >> 4) % 64;
    watch(address, size, writes, place);
    if (READ_ONCE(ntold) < READ_ONCE(nraces) && cpu_spinlocks() == 0 && irq_enabled() &&
        !cpu_own.irq_depth)
        tell_all();
    c->busy--;
}

void kcsan_start(bool panics)
{
    panic_at_once = panics;
    WRITE_ONCE(running, true);
}

/* ---- what the compiler calls ---- */

#define PLACE ((uintptr_t)__builtin_return_address(0))

#define ACCESS(name, n, writes, marked)                  \
    void __tsan_##name##n(void *p);                      \
    void __tsan_##name##n(void *p)                       \
    {                                                    \
        touched((uintptr_t)p, n, writes, marked, PLACE); \
    }

#define ACCESSES(n)                                 \
    ACCESS(read, n, false, false)                   \
    ACCESS(write, n, true, false)                   \
    ACCESS(unaligned_read, n, false, false)         \
    ACCESS(unaligned_write, n, true, false)         \
    ACCESS(volatile_read, n, false, true)           \
    ACCESS(volatile_write, n, true, true)           \
    ACCESS(unaligned_volatile_read, n, false, true) \
    ACCESS(unaligned_volatile_write, n, true, true)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void *p, size_t n);
void __tsan_read_range(void *p, size_t n)
{
    touched((uintptr_t)p, n, false, false, PLACE);
}

void __tsan_write_range(void *p, size_t n);
void __tsan_write_range(void *p, size_t n)
{
    touched((uintptr_t)p, n, true, false, PLACE);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

#define RMW(bits, op)                                                          \
    u##bits __tsan_atomic##bits##_##op(volatile u##bits *p, u##bits v, int o); \
    u##bits __tsan_atomic##bits##_##op(volatile u##bits *p, u##bits v, int o)  \
    {                                                                          \
        (void)o;                                                               \
        touched((uintptr_t)p, bits / 8, true, true, PLACE);                    \
        return __atomic_##op(p, v, __ATOMIC_SEQ_CST);                          \
    }

#define EXCHANGE(bits, kind)                                                    \
    int __tsan_atomic##bits##_compare_exchange_##kind(                          \
        volatile u##bits *p, u##bits *want, u##bits v, int o, int f);           \
    int __tsan_atomic##bits##_compare_exchange_##kind(                          \
        volatile u##bits *p, u##bits *want, u##bits v, int o, int f)            \
    {                                                                           \
        (void)o;                                                                \
        (void)f;                                                                \
        touched((uintptr_t)p, bits / 8, true, true, PLACE);                     \
        return __atomic_compare_exchange_n(p, want, v, false, __ATOMIC_SEQ_CST, \
                                           __ATOMIC_SEQ_CST);                   \
    }

#define ATOMICS(bits)                                                              \
    u##bits __tsan_atomic##bits##_load(const volatile u##bits *p, int o);          \
    u##bits __tsan_atomic##bits##_load(const volatile u##bits *p, int o)           \
    {                                                                              \
        (void)o;                                                                   \
        touched((uintptr_t)p, bits / 8, false, true, PLACE);                       \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                               \
    }                                                                              \
    void __tsan_atomic##bits##_store(volatile u##bits *p, u##bits v, int o);       \
    void __tsan_atomic##bits##_store(volatile u##bits *p, u##bits v, int o)        \
    {                                                                              \
        (void)o;                                                                   \
        touched((uintptr_t)p, bits / 8, true, true, PLACE);                        \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                  \
    }                                                                              \
    u##bits __tsan_atomic##bits##_exchange(volatile u##bits *p, u##bits v, int o); \
    u##bits __tsan_atomic##bits##_exchange(volatile u##bits *p, u##bits v, int o)  \
    {                                                                              \
        (void)o;                                                                   \
        touched((uintptr_t)p, bits / 8, true, true, PLACE);                        \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                        \
    }                                                                              \
    RMW(bits, fetch_add)                                                           \
    RMW(bits, fetch_sub)                                                           \
    RMW(bits, fetch_and)                                                           \
    RMW(bits, fetch_or)                                                            \
    RMW(bits, fetch_xor)                                                           \
    EXCHANGE(bits, strong)                                                         \
    EXCHANGE(bits, weak)

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int o);
void __tsan_atomic_thread_fence(int o)
{
    (void)o;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int o);
void __tsan_atomic_signal_fence(int o)
{
    (void)o;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif
