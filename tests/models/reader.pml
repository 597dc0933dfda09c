/* SPDX-License-Identifier: MIT
 *
 * mm/table/mm_lock.h: CPUs that read the VMAs of an address space between mm_read_begin() and
 * mm_read_end(), against one that changes them. A CPU loads the address space, reads a few
 * times, and may leave it. The VMA that a reader finds, or remembers from the time before, is
 * freed by a change.
 *
 * Claims: nothing is read while it is changed, and no VMA is used that was freed.
 *
 * -DCPUS=n    CPUs that read, 2 unless said
 * Seeded errors, each of which must be found:
 * -DLOOK_FIRST   the reader looks at seq before its announcement is visible (no barrier)
 * -DWAIT_FIRST   the writer looks for readers before seq is visibly odd (no barrier)
 * -DMASK_FIRST   the writer learns which CPUs to wait for before it raises seq
 * -DNO_WAIT      the writer does not wait
 * -DKEEP_HINT    a reader trusts what it found last without comparing seq
 * -DODD_HINT     with what it found a reader notes a seq that has become odd meanwhile
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef TURNS
#define TURNS 2
#endif

byte seq = 2;               /* odd: somebody changes */
byte vma = 1;               /* which record covers the address; records below it are freed */
bool changing, loaded[CPUS], reads[CPUS];
bool M;

proctype reader(byte me)
{
    byte n = 0, hint = 0, hint_seq = 0, s, v;

    do
    :: n < TURNS ->
        n++;
        loaded[me] = 1;     /* mm_activate() */
#ifdef LOOK_FIRST
        s = seq;
        reads[me] = 1;
#else
        reads[me] = 1;
        s = seq;
#endif
        v = 0;
        if
#ifdef KEEP_HINT
        :: hint && s % 2 == 0 -> v = hint
#endif
        :: hint && hint_seq == s -> v = hint /* vma_read_begin() asks nothing else */
        :: else ->
            if
            :: s % 2 == 1   /* it takes the sleeping lock instead: not modelled */
            :: else ->
                v = vma;
                hint = v;
                hint_seq = seq;
#ifndef ODD_HINT
                if
                :: hint_seq % 2 == 1 -> hint = 0
                :: else
                fi
#endif
            fi
        fi;
        if
        :: v ->
            assert(!changing);
            assert(v == vma);
            assert(!changing)
        :: else
        fi;
        reads[me] = 0;
        if
        :: loaded[me] = 0   /* another process runs */
        :: skip
        fi
    :: else -> break
    od
}

proctype writer()
{
    bool who[CPUS];
    byte n = 0, i;

    do
    :: n < TURNS ->
        n++;
        atomic { !M -> M = 1 };
#ifdef MASK_FIRST
        d_step { i = 0; do :: i < CPUS -> who[i] = loaded[i]; i++ :: else -> break od }
#endif
#ifdef WAIT_FIRST
        i = 0;
        do
        :: i < CPUS -> (!loaded[i] || !reads[i]); i++
        :: else -> break
        od;
        seq++;
#else
        seq++;
#ifndef MASK_FIRST
        d_step { i = 0; do :: i < CPUS -> who[i] = loaded[i]; i++ :: else -> break od };
#endif
#ifndef NO_WAIT
        i = 0;
        do
        :: i < CPUS -> (!who[i] || !reads[i]); i++
        :: else -> break
        od;
#endif
#endif
        changing = 1;
        vma++;
        changing = 0;
        seq++;
        M = 0
    :: else -> break
    od
}

init {
    byte i = 0;

    atomic {
        do
        :: i < CPUS -> run reader(i); i++
        :: else -> break
        od;
        run writer();
    }
}
