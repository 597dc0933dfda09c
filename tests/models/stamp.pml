/* SPDX-License-Identifier: MIT
 *
 * Stamps of flushes to come, mm/table/change.h: CPUs change entries of a table under its lock (T)
 * and flush what they changed after they gave it up. A call that finds an entry as it wants it
 * has changed nothing, but must not return while a TLB still knows what stood there before. The
 * table has one stamp: who changed it last, and that CPU's count, odd until its flush is over. Who
 * finds a stamp whose flush is to come flushes everything, so that one stamp stands for all.
 *
 * Two entries; the calls empty one or both. `hardware` fills TLBs whenever it may. Each filling
 * of an entry has a number of its own.
 *
 * Claim: when a call returns, no TLB has a filling that was there when the call had T (so nor
 * has one that the call then frees).
 *
 * -DCPUS=n, -DTURNS=n   2 unless said; calls of the first CPU, the others make one
 * -DTABLES=n            1 unless said: 2 have the entries lie in two tables
 * Seeded errors, each of which must be found:
 * -DNO_LOOK       the stamp is not looked at
 * -DLOOK_EMPTY    only who has noted nothing itself looks
 * -DNARROW        who finds a flush to come puts its stamp there and flushes what it changed
 * -DKEEP_STAMP    who finds a flush to come leaves the stamp of the other
 * -DLATE_MARK     the stamp is written when T has been given up
 * -DEARLY_SETTLE  the count is even before the flush
 * -DLATE_LOOK     the stamp is looked at when T has been given up
 * -DNESTED        a change inside another one, with a flush of its own, tells that all is flushed
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef TURNS
#define TURNS 2
#endif
#ifndef TABLES
#define TABLES 1
#endif
#define SLOTS     2
#define FILLS     3
#define TABLE(s)  ((s) * (TABLES - 1))
#define TLB(c, s) tlb[(c) * SLOTS + (s)]

bool T[TABLES];
byte stamp_cpu[TABLES], stamp_count[TABLES];
byte unflushed[CPUS];
byte entry[SLOTS], last[SLOTS]; /* which filling; the last there was */
byte tlb[CPUS * SLOTS];
byte ended;

inline look(s)
{
    if
    :: stamp_cpu[TABLE(s)] != me && stamp_count[TABLE(s)] % 2 == 1 &&
       unflushed[stamp_cpu[TABLE(s)]] == stamp_count[TABLE(s)] ->
        everything = 1
    :: else
    fi
}

inline mark(s)
{
    if
#ifdef KEEP_STAMP
    :: noted && !everything ->
#else
    :: noted || everything ->
#endif
        unflushed[me] = unflushed[me] + 1 - unflushed[me] % 2;
        d_step { stamp_cpu[TABLE(s)] = me; stamp_count[TABLE(s)] = unflushed[me] }
    :: else
    fi
}

inline settle()
{
    unflushed[me] = unflushed[me] + unflushed[me] % 2
}

/* One CPU after the other, as their answers come. */
inline flush()
{
#ifdef NARROW
    everything = everything && noted == 0;
#endif
#ifdef EARLY_SETTLE
    settle();
#endif
    for (c : 0 .. CPUS - 1) {
        d_step {
            if
            :: everything || noted & 1 -> TLB(c, 0) = 0
            :: else
            fi;
            if
            :: everything || noted & 2 -> TLB(c, 1) = 0
            :: else
            fi
        }
    }
    settle();
    d_step { noted = 0; everything = 0; c = 0 }
}

inline drop_slot(s)
{
    atomic { !T[TABLE(s)] -> T[TABLE(s)] = 1 };
#if !defined(NO_LOOK) && !defined(LOOK_EMPTY) && !defined(LATE_LOOK)
    look(s);
#endif
    seen[s] = last[s];
    if
    :: entry[s] -> entry[s] = 0; noted = noted | 1 << s
    :: else
#ifdef LOOK_EMPTY
        -> look(s)
#endif
    fi;
#ifndef LATE_MARK
    mark(s);
#endif
    T[TABLE(s)] = 0;
#ifdef LATE_LOOK
    look(s);
#endif
#ifdef LATE_MARK
    mark(s);
#endif
#ifdef NESTED
    if
    :: settle() /* nothing of its own was to be flushed */
    :: skip
    fi;
#endif
}

proctype cpu(byte me)
{
    byte turns, c, noted, seen[SLOTS];
    bool everything;

    do
    :: turns == (me -> 1 : TURNS) -> break
    :: else ->
        turns++;
        if
        :: drop_slot(0)
        :: drop_slot(1)
        :: drop_slot(0); drop_slot(1)
        fi;
        if
        :: noted || everything -> flush()
        :: else
        fi;
        d_step {
            for (c : 0 .. CPUS - 1) {
                assert(TLB(c, 0) == 0 || TLB(c, 0) > seen[0]);
                assert(TLB(c, 1) == 0 || TLB(c, 1) > seen[1])
            }
            c = 0;
            seen[0] = 0;
            seen[1] = 0
        }
    od;
    atomic { turns = 0; ended++ }
}

/* Walkers, and faults that fill an empty entry under T. */
active proctype hardware()
{
    byte c, s;

    do
    :: ended == CPUS -> break
    :: d_step { entry[0] && TLB(0, 0) == 0 -> TLB(0, 0) = entry[0] }
    :: d_step { entry[1] && TLB(0, 1) == 0 -> TLB(0, 1) = entry[1] }
    :: d_step { entry[0] && TLB(CPUS - 1, 0) == 0 -> TLB(CPUS - 1, 0) = entry[0] }
    :: d_step { entry[1] && TLB(CPUS - 1, 1) == 0 -> TLB(CPUS - 1, 1) = entry[1] }
    :: d_step { !T[TABLE(0)] && !entry[0] && last[0] < FILLS - 1 ->
        last[0]++; entry[0] = last[0] }
    :: d_step { !T[TABLE(1)] && !entry[1] && last[1] < FILLS - 1 ->
        last[1]++; entry[1] = last[1] }
    od
}

init
{
    byte i;

    atomic {
        entry[0] = 1; last[0] = 1;
        entry[1] = 1; last[1] = 1;
        for (i : 0 .. CPUS - 1) { run cpu(i) }
    }
}
