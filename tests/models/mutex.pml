/* SPDX-License-Identifier: MIT
 *
 * The sleeping lock, lib/mutex.h and lib/mutex.c: THREADS threads take it ROUNDS times each, in either
 * mode, and give it up; the last of them may be told to stop while it waits. The word `state` is what
 * the short ways compare and exchange; the queue is under `locked`. Shown: nobody holds it beside
 * somebody who is alone, nobody waits for ever (a state in which all block before they have ended),
 * and a thread is woken only while its record is there.
 *
 * Seeded faults, each found:
 *   LATE_FLAG   a waiter says that it waits after it has looked who holds it
 *   NO_FLAG     a reader's short way does not look whether somebody waits
 *   FREE_FLAG   the word says that nobody waits while somebody does
 *   BESIDE      a writer is let in beside readers
 *   NO_PASS     a waiter that was let in goes on without passing the queue's lock
 *   NO_SHUT     who gives it up found somebody waiting, who had gone when it had the queue
 *   STEAL       who tries again takes what nobody holds, though somebody waits
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define ALONE  1
#define QUEUED 2
#define READER 4
#define HOLDERS(s) ((s) - ((s) & QUEUED))
#define LESS(s)    ((s) - (((s) & ALONE) -> ALONE : READER))

byte state = 0;
bool locked = false;
chan queue = [THREADS] of { byte }; /* who waits, in order */
bool alone[THREADS];    /* the mode each wants */
bool granted[THREADS];
bool sleeps[THREADS];
bool unparked[THREADS];
bool waits[THREADS];    /* its record is there */
byte readers = 0, writers = 0; /* who are in */

inline lock()
{
    atomic { !locked -> locked = true }
}

inline unlock()
{
    locked = false
}

/* The holders are `holders`; lets in who may. */
inline grant(holders, w, wake)
{
    do
    :: queue ? [w] ->
       queue ? <w>;
       if
#ifdef BESIDE
       :: alone[w] && (holders & ALONE) -> break
#else
       :: alone[w] && holders != 0 -> break
#endif
       :: !alone[w] && (holders & ALONE) -> break
       :: else
       fi;
       wake = sleeps[w];
       holders = holders + (alone[w] -> ALONE : READER);
       queue ? w;
       granted[w] = true;
       if
       :: wake -> assert(waits[w]); unparked[w] = true
       :: else
       fi
    :: empty(queue) -> break
    od;
#ifdef FREE_FLAG
    state = holders;
#else
    state = holders + (len(queue) == 0 -> 0 : QUEUED);
#endif
    w = 0;
    wake = false
}

/* The queue without `me`. */
inline leave(me, w, n)
{
    d_step {
        n = len(queue);
        do
        :: n > 0 ->
           queue ? w;
           if
           :: w != me -> queue ! w
           :: else
           fi;
           n--
        :: n == 0 -> break
        od;
        w = 0
    }
}

inline enter(me)
{
    d_step {
        if
        :: alone[me] -> assert(readers == 0 && writers == 0); writers++
        :: else -> assert(writers == 0); readers++
        fi
    }
}

inline go(me)
{
    d_step {
        if
        :: alone[me] -> writers--
        :: else -> readers--
        fi
    }
}

proctype thread(byte me)
{
    byte old, w, n, holders, round = 0;
    bool wake, stop, in;

    do
    :: round == ROUNDS -> break
    :: else ->
       if
       :: alone[me] = true
       :: alone[me] = false
       fi;
       in = false;
again: /* mutex_try() */
       if
       :: alone[me] ->
          atomic {
              if
#ifdef STEAL
              :: HOLDERS(state) == 0 -> state = ALONE; in = true
#else
              :: state == 0 -> state = ALONE; in = true
#endif
              :: else
              fi
          }
       :: else ->
          old = state;
          do
#ifdef NO_FLAG
          :: (old & ALONE) == 0 ->
#else
          :: (old & (ALONE | QUEUED)) == 0 ->
#endif
             atomic {
                 if
                 :: state == old -> state = old + READER; in = true
                 :: else -> old = state
                 fi
             }
             if
             :: in -> break
             :: else
             fi
          :: else -> break
          od
       fi;
       if
       :: in
       :: !in -> goto again /* try_again(), as often as it likes */
       :: !in -> /* mutex_lock_slow() */
          waits[me] = true;
          granted[me] = false;
          sleeps[me] = false;
          lock();
          queue ! me;
#ifndef LATE_FLAG
          state = state | QUEUED; /* one step, as a locked instruction */
#endif
          holders = HOLDERS(state);
          grant(holders, w, wake);
#ifdef LATE_FLAG
          state = state | (len(queue) == 0 -> 0 : QUEUED);
#endif
          unlock();
          stop = false;
          do
          :: true ->
#ifdef NO_PASS
             if
             :: granted[me] -> in = true; break
             :: else
             fi;
#endif
             lock();
             in = granted[me];
             sleeps[me] = !in;
             if
             :: !in && stop ->
                leave(me, w, n);
                holders = HOLDERS(state);
                grant(holders, w, wake)
             :: else
             fi;
             unlock();
             if
             :: in || stop -> break
             :: else
             fi;
             if
             :: unparked[me] -> unparked[me] = false
             :: me == THREADS - 1 -> stop = true
             fi
          od;
          waits[me] = false
       fi;
       if
       :: in ->
          enter(me);
          go(me);
          /* mutex_unlock() */
          old = state;
          n = 0;
          do
          :: (old & QUEUED) == 0 ->
             atomic {
                 if
                 :: state == old -> state = LESS(old); n = 1
                 :: else -> old = state
                 fi
             }
             if
             :: n == 1 -> break
             :: else
             fi
          :: else ->
             lock();
#ifndef NO_SHUT
             state = state | QUEUED;
#endif
             holders = HOLDERS(state);
             holders = LESS(holders);
             grant(holders, w, wake);
             unlock();
             break
          od
       :: else
       fi;
       unparked[me] = false; /* a note left over wakes somebody for nothing, later */
       round++;
       d_step { old = 0; holders = 0; n = 0; in = false; stop = false }
    od
}

init
{
    byte i = 0;

    atomic {
        do
        :: i < THREADS -> run thread(i); i++
        :: i == THREADS -> break
        od
    }
}
