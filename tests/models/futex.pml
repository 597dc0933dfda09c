/* SPDX-License-Identifier: MIT
 *
 * kernel/task/futex: threads that wait while a word is 0, one that makes it 1 and wakes all, with
 * thread_park and thread_unpark. A waiter may give up (time-out, signal); its record lies on its
 * stack.
 *
 * Claims: nobody sleeps on when the word is 1 (an end that is none), and no waiter's record is
 * touched when it has gone.
 *
 * -DCPUS=n    waiters, 2 unless said
 * Seeded errors, each of which must be found:
 * -DLOOK_BEFORE  the word is compared before the bucket is locked
 * -DNO_RELOCK    who sees that it is woken leaves without the bucket's lock
 * -DUNPARK_LATE  the waker gives the lock up before it unparks
 * -DPARK_CLEARS  parking forgets an earlier unpark
 */
#ifndef CPUS
#define CPUS 2
#endif

bool word, lock;
bool queued[CPUS], woken[CPUS], here[CPUS], unparked[CPUS];

inline take() { atomic { !lock -> lock = 1 } }
inline give() { lock = 0 }

proctype waiter(byte me)
{
    bool seen;

    here[me] = 1;
#ifdef LOOK_BEFORE
    seen = word;
    take();
#else
    take();
    seen = word;
#endif
    if
    :: seen -> give(); goto gone
    :: else -> queued[me] = 1; give()
    fi;
    do
    :: woken[me] -> break
    :: else ->
#ifdef PARK_CLEARS
        unparked[me] = 0;
#endif
        if
        :: atomic { unparked[me] -> unparked[me] = 0 }
        :: me == 0 -> break /* this one may have had enough */
        fi
    od;
#ifdef NO_RELOCK
    if
    :: woken[me] -> goto gone
    :: else
    fi;
#endif
    take();
    queued[me] = 0;
    give();
gone:
    here[me] = 0
}

proctype waker()
{
    byte i;
    bool found[CPUS];

    word = 1;
    take();
    for (i : 0 .. CPUS - 1) {
        if
        :: queued[i] ->
            assert(here[i]);
            queued[i] = 0;
            woken[i] = 1;
#ifdef UNPARK_LATE
            found[i] = 1
#else
            assert(here[i]);
            unparked[i] = 1
#endif
        :: else
        fi
    }
    give();
#ifdef UNPARK_LATE
    for (i : 0 .. CPUS - 1) {
        if
        :: found[i] -> assert(here[i]); unparked[i] = 1
        :: else
        fi
    }
#endif
}

init
{
    byte i;

    atomic {
        for (i : 0 .. CPUS - 1) { run waiter(i) }
        run waker()
    }
}
