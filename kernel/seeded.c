/* SPDX-License-Identifier: MIT
 *
 * One small function for each kind of fault; the compiler does not see through what they touch.
 */
#include "kernel/seeded.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/uaccess.h"
#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

#if defined(TESSERA_KASAN) || defined(TESSERA_UBSAN)
static u32 global_words[5];
static volatile int volatile_sink;

/* A number the compiler does not know. */
static int opaque(int n)
{
    __asm__("" : "+r"(n));
    return n;
}

static void heap_overflow(void)
{
    u8 *p = kmalloc(40);

    p[opaque(40)] = 1;
}

static void heap_before(void)
{
    u32 *first = kmalloc(64), *second = kmalloc(64);

    volatile_sink = (int)(second > first ? second : first)[opaque(-1)];
}

static void use_after_free(void)
{
    u64 *p = kmalloc(128);

    (void)kmalloc(128); /* a neighbour keeps the slab */
    kfree(p);
    p[opaque(5)] = 1;
}

static void page_after_free(void)
{
    struct page *pg = page_alloc(0, 0);
    u64 *p = page_to_virt(pg);

    page_free(pg, 0);
    volatile_sink = (int)p[opaque(9)];
}

static void copy_overflow(void)
{
    u8 *p = kmalloc(24), from[32] = {0};

    memcpy(p, from, (size_t)opaque(25));
}

static void never_written(void)
{
    volatile_sink = (int)arch_copy_to_user(0, kmalloc(24), (size_t)opaque(24));
}

static void global_overflow(void)
{
    u32 *p = global_words;

    __asm__("" : "+r"(p));
    p[opaque(5)] = 1;
}

static void stack_overflow(void)
{
    u8 bytes[10] = {0}, *p = bytes;

    __asm__("" : "+r"(p));
    volatile_sink = p[opaque(10)];
}

static void signed_overflow(void)
{
    volatile_sink = opaque(0x7fffffff) + opaque(1);
}

static void shift(void)
{
    volatile_sink = opaque(1) << opaque(33);
}

static void index_bounds(void)
{
    volatile_sink = (int)global_words[opaque(7)];
}

static void misaligned(void)
{
    volatile_sink =
        (int)*(volatile u32 *)((uintptr_t)global_words + (uintptr_t)opaque(1));
}

static void bad_bool(void)
{
    u8 byte = (u8)opaque(2);

    volatile_sink = *(volatile bool *)&byte;
}

#endif

#ifdef LOCKS_CHECKED
static spinlock_t spin;
static struct mutex mutex;

static void spin_not_held(void)
{
    REQUIRES(&spin);
}

static void mutex_not_held(void)
{
    mutex_init(&mutex);
    REQUIRES(&mutex);
}

/* As if another thread had taken it. */
static void mutex_of_another(void)
{
    mutex_init(&mutex);
    mutex_lock(&mutex);
    mutex_note_given_up(&mutex);
    REQUIRES(&mutex);
}

static void mutex_shared(void)
{
    mutex_init(&mutex);
    mutex_lock_shared(&mutex);
    REQUIRES_EXCLUSIVE(&mutex);
}

static void mutex_under_spin(void)
{
    mutex_init(&mutex);
    spin_lock(&spin);
    mutex_lock(&mutex);
}

/* There is no program yet; the look at the locks comes first. */
static void touch(void)
{
    char byte;

    irq_enable();
    if (copy_from_user(&byte, PAGE_SIZE, 1) == 0)
        panic("there is a program");
}

static void touch_under_mutex(void)
{
    mutex_init(&mutex);
    mutex_lock(&mutex);
    touch();
}

static void touch_under_spin(void)
{
    spin_lock(&spin);
    touch();
}

static void spin_twice(void)
{
    spin_lock(&spin);
    spin_lock(&spin);
}
#endif

#ifdef TESSERA_LOCKDEP
static spinlock_t first, second, third, pair[2];
static struct mutex outer, inner;

/* Each pair of locks is taken here, so that only the order differs. */
static noinline void both(spinlock_t *a, spinlock_t *b)
{
    spin_lock(a);
    spin_lock(b);
    spin_unlock(b);
    spin_unlock(a);
}

static void circle_of_two(void)
{
    spin_lock(&first);
    spin_lock(&second);
    spin_unlock(&second);
    spin_unlock(&first);
    spin_lock(&second);
    spin_lock(&first);
}

static void circle_of_three(void)
{
    spin_lock(&first);
    spin_lock(&second);
    spin_unlock(&second);
    spin_unlock(&first);
    spin_lock(&second);
    spin_lock(&third);
    spin_unlock(&third);
    spin_unlock(&second);
    spin_lock(&third);
    spin_lock(&first);
}

static void one_class_both_orders(void)
{
    both(&pair[0], &pair[1]); /* the first time says nothing */
    both(&pair[0], &pair[1]);
    both(&pair[1], &pair[0]);
}

static void circle_of_mutexes(void)
{
    mutex_init(&outer);
    mutex_init(&inner);
    mutex_lock(&outer);
    mutex_lock_shared(&inner);
    mutex_unlock(&inner);
    mutex_unlock(&outer);
    mutex_lock(&inner);
    mutex_lock_shared(&outer);
}

/* As in a handler. */
static void take_in_handler(void)
{
    irqflags_t flags = irq_save();

    cpu_own.irq_depth++;
    spin_lock(&first);
    spin_unlock(&first);
    cpu_own.irq_depth--;
    irq_restore(flags);
}

static void handler_and_open(void)
{
    take_in_handler();
    irq_enable();
    spin_lock(&first);
}

/* The handler's lock waits for one that is held with interrupts on. */
static void handler_behind_open(void)
{
    irqflags_t flags;

    take_in_handler();
    flags = spin_lock_irq(&first);
    spin_lock(&second);
    spin_unlock(&second);
    spin_unlock_irq(&first, flags);
    irq_enable();
    spin_lock(&second);
}
#endif

#if defined(TESSERA_KASAN) || defined(TESSERA_UBSAN) || defined(LOCKS_CHECKED)
static const struct {
    const char *name;
    void (*make)(void);
} faults[] = {
#if defined(TESSERA_KASAN) || defined(TESSERA_UBSAN)
    {"heap-overflow", heap_overflow},
    {"heap-before", heap_before},
    {"use-after-free", use_after_free},
    {"page-after-free", page_after_free},
    {"copy-overflow", copy_overflow},
    {"never-written", never_written},
    {"global-overflow", global_overflow},
    {"stack-overflow", stack_overflow},
    {"signed-overflow", signed_overflow},
    {"shift", shift},
    {"index", index_bounds},
    {"misaligned", misaligned},
    {"bool", bad_bool},
#endif
#ifdef LOCKS_CHECKED
    {"spin-not-held", spin_not_held},
    {"mutex-not-held", mutex_not_held},
    {"mutex-of-another", mutex_of_another},
    {"mutex-shared", mutex_shared},
    {"mutex-under-spin", mutex_under_spin},
    {"touch-under-mutex", touch_under_mutex},
    {"touch-under-spin", touch_under_spin},
    {"spin-twice", spin_twice},
#endif
#ifdef TESSERA_LOCKDEP
    {"circle-of-two", circle_of_two},
    {"circle-of-three", circle_of_three},
    {"one-class-both-orders", one_class_both_orders},
    {"circle-of-mutexes", circle_of_mutexes},
    {"handler-and-open", handler_and_open},
    {"handler-behind-open", handler_behind_open},
#endif
};

void seeded_fault(void)
{
    const char *name = cmdline_get("fault");
    void (*make)(void) = NULL;
    size_t n = 0;

    while (name && name[n] && name[n] != ' ')
        n++;
    for (size_t i = 0; name && i < ARRAY_SIZE(faults); i++)
        if (strlen(faults[i].name) == n && strncmp(name, faults[i].name, n) == 0)
            make = faults[i].make;
#ifdef TESSERA_DEBUG
    if (name && !make)
        make = seeded_crash(name, n);
#endif
    if (!make)
        return;
    make();
    panic("a fault made on purpose was not seen");
}
#else
void seeded_fault(void)
{
}
#endif

#ifdef TESSERA_KCSAN

#define RACE_TURNS 3000000u

static u32 raced, race_turns;
static spinlock_t race_lock;

static void write_plain(void)
{
    raced++;
}

static void read_plain(void)
{
    if (raced == ~0u)
        race_turns = 0;
}

static void write_marked(void)
{
    WRITE_ONCE(raced, READ_ONCE(raced) + 1);
}

/* The compiler does not know of it. */
static void write_unseen(void)
{
    __asm__ volatile("incl %0" : "+m"(raced));
}

static void write_locked(void)
{
    spin_lock(&race_lock);
    raced++;
    spin_unlock(&race_lock);
}

static const struct race_fault {
    const char *name;
    void (*turn[2])(void);
} races[] = {
    {"race-write-write", {write_plain, write_plain}},
    {"race-read-write", {read_plain, write_plain}},
    {"race-marked-write", {read_plain, write_marked}},
    {"race-unseen-write", {read_plain, write_unseen}},
    {"no-race", {write_locked, write_locked}},
};

/* Turns of one thread, while the other has its own on another CPU. */
static void race_main(void *arg)
{
    void (*const *turn)(void) = arg;

    for (u32 i = 0; i < RACE_TURNS; i++) {
        (*turn)();
        pause_anyway();
    }
    if (__atomic_add_fetch(&race_turns, 1, __ATOMIC_RELAXED) == 2)
        panic("the race was not seen");
    for (;;)
        thread_park();
}

void seeded_race(void)
{
    const char *name = cmdline_get("fault");

    for (size_t i = 0; name && i < ARRAY_SIZE(races); i++)
        for (int k = 0; k < 2 && strcmp(name, races[i].name) == 0; k++)
            if (kthread_create("race", race_main, (void *)&races[i].turn[k]) != 0)
                panic("no memory for a thread");
}

#else

void seeded_race(void)
{
}

#endif
