/* SPDX-License-Identifier: MIT
 *
 * kernel/task/exit.c: the threads of a process end at once, each on a CPU. The last that leaves the
 * group frees the memory, the last off its stack makes a zombie, and the parent then frees the
 * record. proc_lock makes leave_group() and thread_gone() one step each.
 *
 * Claims: the memory is freed when no CPU has it loaded, the record when no thread uses it, and
 * both are.
 *
 * -DCPUS=n    threads, 2 unless said
 * Seeded errors, each of which must be found:
 * -DNO_WAIT      the last thread does not wait for the others
 * -DSTAYS        the last thread frees the memory that its own CPU still has loaded
 * -DWAKE_FIRST   the waiting thread is woken before the count goes down
 * -DEARLY_COUNT  a thread counts as gone before it has left its stack
 */
#ifndef CPUS
#define CPUS 2
#endif

byte nthreads = CPUS, nlive = CPUS;
bool loaded[CPUS], unparked, mm_freed, zombie, record_freed;
byte loads = CPUS; /* CPUs that have the memory loaded */

inline leave_stack()
{
    atomic {
        if
        :: loaded[me] -> loaded[me] = 0; loads--
        :: else
        fi
    }
}

/* thread_gone() */
inline gone()
{
#ifdef WAKE_FIRST
    atomic {
        if
        :: nlive == 2 -> unparked = 1
        :: else
        fi
    };
#endif
    atomic {
        nlive--;
        if
        :: nlive == 0 -> zombie = 1
        :: else
        fi;
#ifndef WAKE_FIRST
        if
        :: nlive == 1 -> unparked = 1
        :: else
        fi
#endif
    }
}

proctype thread(byte me)
{
    bool last;

    atomic { nthreads--; last = nthreads == 0 }; /* leave_group() */
    if
    :: last ->
#ifndef NO_WAIT
        do
        :: nlive > 1 -> atomic { unparked -> unparked = 0 }
        :: else -> break
        od;
#endif
#ifndef STAYS
        leave_stack(); /* mm_activate(NULL) */
#endif
        assert(loads == 0);
        mm_freed = 1
    :: else
    fi;
    assert(!record_freed); /* the switch away looks at the process */
#ifdef EARLY_COUNT
    gone();
    assert(!record_freed);
    leave_stack()
#else
    leave_stack();
    gone()
#endif
}

proctype parent()
{
    zombie;
    record_freed = 1;
    assert(mm_freed)
}

init
{
    byte i;

    atomic {
        for (i : 0 .. CPUS - 1) { loaded[i] = 1; run thread(i) }
        run parent()
    }
}
