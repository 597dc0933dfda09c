/* SPDX-License-Identifier: MIT
 *
 * Leaf tables shared since a fork, mm/vm/lend.h: two address spaces have table 0, one of them on
 * two CPUs. Threads that want to change what they show make it their own: by a copy, or, as the
 * last holder, by taking it. One of the address spaces may give it back instead, as exit does.
 * `hardware` remembers ways whenever it may, and walks by those.
 *
 * Claims: nobody changes a table that is not his alone, nobody's CPU comes by a remembered way to
 * a table that is another's alone or nobody's, and in the end each address space has one table
 * of its own, or none, and none is lost.
 *
 * Seeded errors, each of which must be found:
 * -DEARLY_LEAVE   the count is given back before the flush
 * -DOWN_CPU_ONLY  only the own CPU's way is flushed
 * -DNO_RECHECK    the way is not looked at again under T
 * -DNO_LAST       who leaves does not look whether he is the last: two copied at once
 * -DBY_COUNT      a table without holders passes for one's own
 */
#define THREADS 3
#define TABLES  4
#define NONE    TABLES
#define MM(t)   ((t) / 2) /* 0, 0, 1 */

byte way[2];      /* table */
bool writes[2];   /* the way's permission */
bool T[TABLES];
byte holders[TABLES];
byte owner[TABLES]; /* NONE: nobody's alone */
bool freed[TABLES];
byte cached[THREADS]; /* the table a CPU remembers the way to */
byte ended;

inline lock(t) { atomic { !T[t] -> T[t] = 1 } }

inline flush()
{
    for (c : 0 .. THREADS - 1) {
#ifdef OWN_CPU_ONLY
        d_step { if :: c == me -> cached[c] = NONE :: else fi }
#else
        d_step { if :: MM(c) == MM(me) -> cached[c] = NONE :: else fi }
#endif
    }
    c = 0
}

inline leave(t)
{
    lock(t);
    holders[t]--;
    last = holders[t] == 0;
#ifdef NO_LAST
    last = 0;
#endif
    T[t] = 0;
    if
    :: last -> freed[t] = 1
    :: else
    fi
}

/* The table of thread `me` to change, in `table`. */
inline make_own()
{
    do
    :: atomic { table = way[MM(me)]; permitted = writes[MM(me)] };
#ifdef BY_COUNT
        permitted = permitted || holders[table] == 0;
#endif
        if
        :: permitted -> break
        :: else
        fi;
        lock(table);
        last = holders[table] == 1;
#ifndef NO_RECHECK
        changed = way[MM(me)] != table || writes[MM(me)];
#endif
        if
        :: changed -> T[table] = 0 /* another was faster */
        :: !changed && last ->
            holders[table] = 0;
            owner[table] = MM(me);
            d_step { way[MM(me)] = table; writes[MM(me)] = 1 };
            T[table] = 0
        :: !changed && !last ->
            owner[1 + me] = MM(me);
            d_step { way[MM(me)] = 1 + me; writes[MM(me)] = 1 };
            T[table] = 0;
#ifdef EARLY_LEAVE
            leave(table);
            flush();
#else
            flush();
            leave(table);
#endif
            table = 1 + me;
            break
        fi
    od
}

proctype thread(byte me)
{
    byte table, c;
    bool permitted, last, changed;

    make_own();
    assert(owner[table] == MM(me) && holders[table] == 0 && !freed[table]);
    atomic { table = 0; permitted = 0; last = 0; changed = 0; ended++ }
}

/* The other address space ends instead: nobody will load it again. */
proctype leaver(byte me)
{
    bool last;

    lock(0);
    if
    :: holders[0] > 1 ->
        way[MM(me)] = NONE;
        cached[me] = NONE;
        T[0] = 0;
        leave(0)
    :: else -> /* it was the last: takes it, and frees it as any other */
        holders[0] = 0;
        way[MM(me)] = NONE;
        cached[me] = NONE;
        freed[0] = 1;
        T[0] = 0
    fi;
    atomic { last = 0; ended++ }
}

proctype hardware()
{
    byte c;

    do
    :: ended == THREADS -> break
    :: d_step { cached[0] == NONE -> cached[0] = way[0] }
    :: d_step { cached[1] == NONE -> cached[1] = way[0] }
    :: d_step { cached[2] == NONE -> cached[2] = way[1] }
    :: atomic { cached[0] != NONE ->
        assert(!freed[cached[0]] && (owner[cached[0]] == 0 || owner[cached[0]] == NONE)) }
    :: atomic { cached[1] != NONE ->
        assert(!freed[cached[1]] && (owner[cached[1]] == 0 || owner[cached[1]] == NONE)) }
    :: atomic { cached[2] != NONE ->
        assert(!freed[cached[2]] && (owner[cached[2]] == 1 || owner[cached[2]] == NONE)) }
    od;
    assert(owner[way[0]] == 0 && writes[0] && holders[way[0]] == 0 && !freed[way[0]]);
    assert(way[1] == NONE || owner[way[1]] == 1 && !freed[way[1]]);
    assert(way[0] != way[1]);
    assert(freed[0] || way[0] == 0 || way[1] == 0)
}

init
{
    atomic {
        holders[0] = 2;
        owner[0] = NONE; owner[1] = NONE; owner[2] = NONE; owner[3] = NONE;
        cached[0] = NONE; cached[1] = NONE; cached[2] = NONE;
        run hardware();
        run thread(0);
        run thread(1);
        if
        :: run thread(2)
        :: run leaver(2)
        fi
    }
}
