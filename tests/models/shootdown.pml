/* SPDX-License-Identifier: MIT
 *
 * R-55: a CPU that waits, interrupts off, for a lock whose holder waits for that CPU's
 * acknowledgement of a TLB shootdown. With POLLING the waiter serves requests while it spins
 * (what cpu_relax() must do before a second CPU is started); without it the two wait for each
 * other for ever. Also R-54: a frame is freed only when no TLB holds it; EARLY_FREE frees it
 * before the acknowledgement.
 */
#define CPUS 3

byte holder = CPUS;     /* of the lock; CPUS: free */
bool request[CPUS];     /* a shootdown asks this CPU */
bool cached[CPUS];      /* this CPU's TLB holds the translation */
bool freed = false;

inline serve(me)
{
    atomic { request[me] -> cached[me] = false; request[me] = false }
}

/* Spins for the lock with interrupts off. That nothing else can happen meanwhile is modelled
 * by blocking: a state in which everybody blocks is the deadlock. */
inline acquire(me)
{
    do
    :: atomic { holder == CPUS -> holder = me; break }
#ifdef POLLING
    :: serve(me)
#endif
    od
}

/* Takes the lock, removes a translation, tells the others, waits, frees, unlocks. */
proctype initiator(byte me)
{
    byte i;

    acquire(me);
    cached[me] = false;
    i = 0;
    do
    :: i < CPUS && i != me -> request[i] = true; i++
    :: i < CPUS && i == me -> i++
    :: i == CPUS -> break
    od;
#ifdef EARLY_FREE
    freed = true;
#endif
    i = 0;
    do
    :: i < CPUS && (i == me || !request[i]) -> i++
    :: i == CPUS -> break
    od;
    freed = true;
    holder = CPUS
}

/* Uses the page, then wants the same lock with interrupts off; afterwards serves requests as
 * an interrupt would. */
proctype worker(byte me)
{
    acquire(me);
    holder = CPUS;
end:
    do
    :: serve(me)
    od
}

/* A CPU that still holds the translation may use it at any time. */
active proctype user()
{
    assert(!freed || (!cached[0] && !cached[1] && !cached[2]))
}

init
{
    atomic {
        cached[0] = true;
        cached[1] = true;
        cached[2] = true;
        run initiator(0);
        run worker(1);
        run worker(2)
    }
}
