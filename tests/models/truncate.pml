/* SPDX-License-Identifier: MIT
 *
 * The table's lock (T) and the lock of a leaf of the object's index (N): a fault or remap that
 * shows a file page, one that drops what another slot shows (MADV_DONTNEED, munmap, remap), a
 * truncate of the file, and a program on another CPU whose TLB remembers.
 *
 * One file page, one frame, one slot, at home or away. Claims: the program never reaches the
 * frame once it is free; in the end nothing shows the page, and no page stands beyond the end.
 *
 * Seeded errors, each of which must be found:
 * -DNO_GRACE   truncate frees the frame after its own flush, without waiting for others
 * -DLINK_LATE  the fault adds the backlink after it has given up N
 * -DLOOK_FIRST truncate skips a table that looks empty before it has T
 * -DNO_SIZE    a hole is filled without a look at the size under O
 * -DPAUSE      the drop passes a quiescent point before its flush
 *
 * All at once: where much is cut off, every slot that shows what is behind the end is emptied before
 * the pages leave the index, and nobody looks again. Two errors more:
 * -DEARLY_ALL  that is done before the size is lowered
 * -DEARLY_SIZE the fault looks at the size before it has T
 */
bool page = 1;             /* the index leads to the frame */
bool hint, entry, tlb, freed, made;
byte present;              /* counts the entry, settled before T is given up */
bool size = 1;             /* the page lies below the end of the file */
bool away;
bool N, T, O;
bool busy[3];              /* the CPU is in the kernel and has not passed a quiescent point */
byte ended;

inline lock(l)   { atomic { l == 0 -> l = 1 } }
inline unlock(l) { l = 0 }

proctype fault()
{
    bool hole = 0, shown = 0, below = 1;

    busy[1] = 1;
#ifdef EARLY_SIZE
    below = size;
    lock(T);
#else
    lock(T);
    below = size;
#endif
    if
    :: below ->
        lock(N);
        if
        :: page && !entry ->
#ifndef LINK_LATE
            hint = away;
#endif
            entry = 1;
            shown = 1
        :: page && entry
        :: !page -> hole = 1
        fi;
        unlock(N);
#ifdef LINK_LATE
        hint = hint || (away && shown);
#endif
        present = present + shown
    :: else
    fi;
    unlock(T);
    if
    :: hole ->                 /* the hole is filled with a fresh frame */
        lock(O);
        if
#ifndef NO_SIZE
        :: size -> lock(N); made = 1; unlock(N)
        :: !size
#else
        :: lock(N); made = 1; unlock(N)
#endif
        fi;
        unlock(O)
    :: else
    fi;
    busy[1] = 0;
    ended++
}

proctype drop()
{
    bool was;

    busy[2] = 1;
    lock(T);
    was = entry;
    entry = 0;
    present = present - was;
    unlock(T);
#ifdef PAUSE
    busy[2] = 0;
#endif
    if
    :: was -> tlb = 0          /* shootdown, acknowledged */
    :: else
    fi;
    busy[2] = 0;
    ended++
}

inline visit()
{
    lock(T);
    was = entry;
    entry = 0;
    present = present - was;
    unlock(T);
    if
    :: was -> tlb = 0
    :: else
    fi
}

proctype truncate()
{
    bool got, was, all;

    if
    :: all = 0
    :: all = 1
    fi;
    lock(O);
#ifdef EARLY_ALL
    if
    :: all -> visit()
    :: else
    fi;
    size = 0;
#else
    size = 0;
    if
    :: all -> visit()          /* by its number or its home: no hint is needed */
    :: else
    fi;
#endif
    lock(N);
    got = page;
    page = 0;
    made = 0;                  /* a page made before goes too */
    unlock(N);
    if
    :: got && all
    :: got && !all && away && hint -> visit()
#ifdef LOOK_FIRST
    :: got && !all && !away && present -> visit()
    :: got && !all && !away && !present
#else
    :: got && !all && !away -> visit()
#endif
    :: got && !all && away && !hint
    :: !got
    fi;
    unlock(O);
    if
    :: got ->                  /* grace_defer() */
#ifndef NO_GRACE
        !busy[1];
        !busy[2];
#endif
        freed = 1
    :: else
    fi;
    ended++
}

proctype program()             /* another CPU, in user mode */
{
    byte n = 0;

    do
    :: n < 3 ->
        n++;
        atomic {
            if
            :: entry -> tlb = 1    /* the CPU walks and remembers */
            :: else
            fi
        }
    :: atomic { tlb -> assert(!freed) }
    :: ended == 3 -> break
    od;
    assert(!(tlb && freed));
    assert(!(entry && freed));
    assert(!made || size)
}

init {
    if
    :: away = 0
    :: away = 1
    fi;
    if
    :: hint = away; entry = 1; present = 1; tlb = 1    /* it was shown before */
    :: skip
    fi;
    atomic { run fault(); run drop(); run truncate(); run program() }
}
