/* SPDX-License-Identifier: MIT
 *
 * The end of a thread, which mostly owns no futex with priorities, against MAKERS others that are
 * making it an owner: futex_pi_exit() and set_owner_alive() of kernel/task/futex/futex_pi.c. Shown: when
 * all is over a thread that has ended owns nothing, and who was told that it is alive had it handed on.
 *
 * Seeded faults, each found:
 *   LOOK_FIRST  the one that ends looks before it says so
 *   CHECK_FIRST who makes it an owner asks whether it ends before that is to be seen
 *   NO_UNDO     it ends, and is an owner nevertheless
 *   NO_LOCK     what it owns is taken off without the lock
 */
#ifndef MAKERS
#define MAKERS 2
#endif

bool gone = false, locked = false;
byte owned = 0;    /* its list */
byte told = 0;     /* makers that were told: it is alive */
byte handed = 0;   /* those that its end has handed on */
byte ended = 0;

inline lock()
{
    atomic { !locked -> locked = true }
}

proctype maker()
{
    byte n;
    bool alive = true;

    lock();
#ifdef CHECK_FIRST
    alive = !gone;
#endif
    n = owned;
    owned = n + 1;
#ifndef CHECK_FIRST
    alive = !gone;
#endif
    if
    :: alive -> told++
#ifdef NO_UNDO
    :: else
#else
    :: else -> n = owned; owned = n - 1
#endif
    fi;
    locked = false;
    ended++
}

proctype ends()
{
    byte n;

#ifdef LOOK_FIRST
    n = owned;
    gone = true;
#else
    gone = true;
    n = owned;
#endif
    if
    :: n == 0
    :: else ->
#ifndef NO_LOCK
       lock();
#endif
       n = owned;
       handed = handed + n;
       owned = 0;
#ifndef NO_LOCK
       locked = false
#endif
    fi;
    ended++
}

init
{
    byte i = 0;

    atomic {
        run ends();
        do
        :: i < MAKERS -> run maker(); i++
        :: i == MAKERS -> break
        od
    }
    ended == MAKERS + 1;
    assert(owned == 0 && handed == told)
}
