/* SPDX-License-Identifier: MIT
 *
 * Wake-up against sleep on several CPUs, kernel/task/sched/sched.c and wake.c: one thread waits for EVENTS events,
 * each told by a waker of its own; it is preempted, stolen by idle CPUs and sent from one CPU to
 * another meanwhile. Shown: no wake-up is lost (a state in which everybody blocks before the
 * thread has ended is the loss), the thread is on one queue or on one CPU, and nobody runs on a
 * stack that has not been left.
 *
 * Seeded faults, each found:
 *   EARLY_UNLOCK   the queue's lock is given up before the stack is left
 *   NOTE_UNLOCKED  a sleeper looks for the note of a wake-up before it takes the lock
 *   NO_RECHECK     a waker does not look again whose queue it is after it got the lock
 *   LATE_CLEAR     a woken thread takes the note back itself, and the store is late
 *   STEAL_UNLOCKED a thief takes the thread without the lock of the other queue
 *   MOVES_ASLEEP   a thread on its way to another CPU looks like a sleeper
 *   TOLD_FIRST     a waker wakes before it says what for
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef STEALS
#define STEALS 1
#endif
#ifndef PREEMPTS
#define PREEMPTS 1
#endif
#ifndef MOVES
#define MOVES 1
#endif
#define NOBODY 255

mtype = { RUNNABLE, UNPLACED, SLEEPING };

bool locked[CPUS];      /* a queue's lock */
bool queued[CPUS];      /* the thread is in this queue */
byte cpu = 0;           /* of the thread: whose lock protects it */
mtype state = RUNNABLE;
bool unparked = false;
byte on_stack = NOBODY; /* the CPU that uses the thread's stack */
bool event[EVENTS];
byte waits_for = 0;     /* the thread's own: which event it waits for */
byte preempts = PREEMPTS, moves = MOVES, steals = STEALS; /* how often these may happen */
bool done = false;

inline lock(q)
{
    atomic { !locked[q] -> locked[q] = true }
}

inline unlock(q)
{
    locked[q] = false
}

/* The thread's queue, locked, in q. */
inline lock_queue_of(q)
{
    do
    :: q = cpu;
       lock(q);
#ifdef NO_RECHECK
       break
#else
       if
       :: cpu == q -> break
       :: else -> unlock(q)
       fi
#endif
    od
}

inline make_ready(q)
{
    d_step {
        assert(!queued[0] && !queued[1] && !queued[CPUS - 1]);
        state = RUNNABLE;
        queued[q] = true
    }
}

/* Any CPU. */
inline choose(to)
{
    atomic {
        if
        :: to = 0
        :: to = 1
        :: to = CPUS - 1
        fi
    }
}

/* The second lock is tried only. */
inline wake(q, to)
{
    choose(to);
    if
    :: to != q ->
       if
       :: atomic { !locked[to] -> locked[to] = true };
          cpu = to;
          unlock(q);
          q = to
       :: atomic { locked[to] -> skip }
       fi
    :: else
    fi;
    make_ready(q)
}

proctype waker(byte e)
{
    byte q, to;

#ifndef TOLD_FIRST
    event[e] = true;
#endif
    lock_queue_of(q);
    if
    :: state == SLEEPING ->
#ifdef LATE_CLEAR
       unparked = true;
#endif
       wake(q, to)
    :: else -> unparked = true
    fi;
    unlock(q);
#ifdef TOLD_FIRST
    event[e] = true
#endif
}

/* The stack is left and the lock given up by the next thread. */
inline switch_away(me)
{
#ifdef EARLY_UNLOCK
    unlock(me);
    on_stack = NOBODY
#else
    on_stack = NOBODY;
    unlock(me)
#endif
}

inline place(me, q, to)
{
    lock_queue_of(q);
    choose(to);
    if
    :: to != q -> cpu = to; unlock(q); lock_queue_of(q)
    :: else
    fi;
    make_ready(q);
    unlock(q)
}

/* The thread runs on `me` until it gives the CPU up. */
inline run_thread(me, q, to)
{
    do
    :: event[waits_for] ->
#ifdef LATE_CLEAR
       unparked = false;
#endif
       waits_for++;
       if
       :: waits_for == EVENTS -> done = true; on_stack = NOBODY; break
       :: else
       fi
    :: preempts > 0 ->
       preempts--;
       lock(me);
       queued[me] = true;
       switch_away(me);
       break
    :: moves > 0 ->
       moves--;
       lock(me);
#ifdef MOVES_ASLEEP
       state = SLEEPING;
#else
       state = UNPLACED;
#endif
       switch_away(me);
       place(me, q, to);
       break
    :: !event[waits_for] -> /* park */
#ifdef LATE_CLEAR
       unparked = false; /* the read of the event before came first */
#endif
#ifdef NOTE_UNLOCKED
       if
       :: unparked -> unparked = false
       :: else ->
          lock(me);
          state = SLEEPING;
          switch_away(me);
          break
       fi
#else
       lock(me);
       if
       :: unparked -> unparked = false; unlock(me)
       :: else ->
          state = SLEEPING;
          switch_away(me);
          break
       fi
#endif
    od
}

proctype processor(byte me)
{
    byte q, to, from;

    do
    :: done -> break
    :: queued[me] ->
       lock(me);
       if
       :: queued[me] ->
          d_step {
              queued[me] = false;
              assert(on_stack == NOBODY);
              assert(cpu == me && state == RUNNABLE);
              on_stack = me
          }
          unlock(me);
          run_thread(me, q, to);
          skip;
          d_step { q = 0; to = 0 }
       :: else -> unlock(me)
       fi
    :: steals > 0 && !queued[me] && cpu != me && queued[cpu] ->
       steals--;
       lock(me);
       from = cpu;
       if
       :: from == me -> skip
#ifdef STEAL_UNLOCKED
       :: from != me ->
          if
          :: queued[from] -> queued[from] = false; cpu = me; queued[me] = true
          :: else
          fi
#else
       :: atomic { from != me && !locked[from] -> locked[from] = true };
          if
          :: queued[from] -> queued[from] = false; cpu = me; queued[me] = true
          :: else
          fi;
          unlock(from)
       :: atomic { from != me && locked[from] -> skip }
#endif
       fi;
       atomic { unlock(me); from = 0 }
    od
}

init
{
    byte i = 0;

    atomic {
        queued[0] = true;
        do
        :: i < CPUS -> run processor(i); i++
        :: i == CPUS -> break
        od;
        i = 0;
        do
        :: i < EVENTS -> run waker(i); i++
        :: i == EVENTS -> break
        od
    }
}
