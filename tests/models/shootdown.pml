/* SPDX-License-Identifier: MIT
 *
 * TLB shootdown as arch/x86_64/mmu/tlb.c, mm_activate() and change_flush() do it (R-54, R-55).
 * CPUS CPUs come to one address space and leave it, and take its page away and put another one
 * there, under a lock for which they wait with interrupts off. What each does in TURNS turns is
 * open. `hardware` fills TLBs whenever it may: the walker is never asked.
 *
 *   asked[s]      CPUs that have not answered s: a word for each pair, struct request
 *   mm_cpus       CPUs that may have the address space loaded: struct mm
 *
 * Shown: no TLB knows a page that is free or is another one by now, and nobody waits for ever
 * (an invalid end state). Each of these makes one of the two false:
 *
 *   NO_SERVE      who waits answers nobody
 *   EARLY_FREE    the page is freed before the answers
 *   LATE_MARK     mm_cpus is set after the address space is loaded
 *   EARLY_CLEAR   mm_cpus is cleared before another one is loaded
 *   EARLY_LOOK    mm_cpus is read before the entry is removed
 *   LATE_TAKE     all requests are taken off that have come until after the flush
 *   ONE_WORD      who asks looks at the answer of one CPU only
 *   EARLY_ANSWER  the answer comes before the flush
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef TURNS
#define TURNS 2
#endif
#define BIT(n) (1 << (n))
#define NOBODY CPUS
#if CPUS > 2
#define ASKED(t) ((asked[0] | asked[1] | asked[2]) & BIT(t))
#else
#define ASKED(t) ((asked[0] | asked[1]) & BIT(t))
#endif

byte holder = NOBODY;   /* of the lock */
byte asked[CPUS];       /* [s]: a bit for each t */
bool interrupt[CPUS];   /* VEC_SERVE is on its way */
byte mm_cpus;
bool loaded[CPUS];      /* CR3 */
byte page = 1;          /* which one the entry shows or showed last */
bool present = true;    /* the entry */
bool freed;             /* that page */
byte tlb[CPUS];         /* 0: empty, else the page */

/* ---- cpu_serve() ---- */

inline serve(me)
{
    s = 0;
    do
    :: s < CPUS && (asked[s] & BIT(me)) ->
#ifdef EARLY_ANSWER
        asked[s] = asked[s] & ~BIT(me);
        tlb[me] = 0;
#else
        tlb[me] = 0;
        asked[s] = asked[s] & ~BIT(me);
#endif
        s++
    :: s < CPUS && !(asked[s] & BIT(me)) -> s++
    :: s == CPUS -> break
    od;
    s = 0
}

/* The fault: one flush for all, also for who has asked since. */
inline serve_late(me)
{
    tlb[me] = 0;
    s = 0;
    do
    :: s < CPUS -> asked[s] = asked[s] & ~BIT(me); s++
    :: s == CPUS -> break
    od;
    s = 0
}

inline answer(me)
{
#ifdef LATE_TAKE
    serve_late(me)
#else
    serve(me)
#endif
}

/* Interrupts are on: what is pending may come now, or later. */
inline open(me)
{
    if
    :: interrupt[me] -> interrupt[me] = false; answer(me)
    :: skip
    fi
}

/* ---- spin_lock(), with interrupts off ---- */

inline lock(me)
{
    do
    :: atomic { holder == NOBODY -> holder = me }; break
#ifndef NO_SERVE
    :: ASKED(me) -> answer(me)
#endif
    od
}

/* ---- ask() ---- */

inline ask(me)
{
    t = 0;
    do
    :: t < CPUS && (cpus & BIT(t)) ->
        asked[me] = asked[me] | BIT(t);
        interrupt[t] = true;
        t++
    :: t < CPUS && !(cpus & BIT(t)) -> t++
    :: t == CPUS -> break
    od;
    t = 0;
#ifndef EARLY_FREE
    do
#ifdef ONE_WORD
    :: (asked[me] & cpus) != cpus -> break
#else
    :: asked[me] == 0 -> break
#endif
#ifndef NO_SERVE
    :: ASKED(me) -> answer(me)
#endif
    od
#endif
}

/* ---- one CPU ---- */

inline load(me)
{
#ifdef LATE_MARK
    d_step { loaded[me] = true; tlb[me] = 0 }
    mm_cpus = mm_cpus | BIT(me);
#else
    mm_cpus = mm_cpus | BIT(me);
    d_step { loaded[me] = true; tlb[me] = 0 }
#endif
}

inline leave(me)
{
#ifdef EARLY_CLEAR
    mm_cpus = mm_cpus & ~BIT(me);
    d_step { loaded[me] = false; tlb[me] = 0 }
#else
    d_step { loaded[me] = false; tlb[me] = 0 }
    mm_cpus = mm_cpus & ~BIT(me);
#endif
}

/* The page goes and another one comes. */
inline replace(me)
{
    lock(me);
#ifdef EARLY_LOOK
    cpus = mm_cpus & ~BIT(me);
    present = false;
    tlb[me] = 0;
#else
    present = false;
    tlb[me] = 0;
    cpus = mm_cpus & ~BIT(me);
#endif
    if
    :: cpus -> ask(me)
    :: else
    fi;
    cpus = 0;
    freed = true;
    d_step { page++; freed = false; present = true }
    holder = NOBODY
}

proctype cpu(byte me)
{
    byte turns, s, t, cpus;

    do
    :: turns == TURNS -> break
    :: turns < TURNS ->
        turns++;
        if
        :: !loaded[me] -> load(me)
        :: loaded[me] -> leave(me)
        :: true -> replace(me)
        fi;
        open(me)
    od;
    turns = 0;
    /* Idle, or in user mode. */
end:
    do
    :: interrupt[me] -> interrupt[me] = false; answer(me)
    od
}

active proctype hardware()
{
    byte c;

end:
    do
    :: atomic { loaded[0] && present && tlb[0] == 0 -> tlb[0] = page }
    :: atomic { loaded[1] && present && tlb[1] == 0 -> tlb[1] = page }
#if CPUS > 2
    :: atomic { loaded[2] && present && tlb[2] == 0 -> tlb[2] = page }
#endif
    :: atomic { (tlb[0] && (tlb[0] != page || freed)) || (tlb[1] && (tlb[1] != page || freed)) ->
        assert(false) }
#if CPUS > 2
    :: atomic { tlb[2] && (tlb[2] != page || freed) -> assert(false) }
#endif
    od
}

init
{
    atomic {
        run cpu(0);
        run cpu(1);
#if CPUS > 2
        run cpu(2)
#endif
    }
}
