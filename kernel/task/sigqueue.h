/* SPDX-License-Identifier: MIT
 *
 * What sending signals needs of how they are kept; sig.lock is held for all of it.
 */
#pragma once

#include "kernel/task/proc.h"

struct siginfo;

extern const struct sig_record signal_of_kernel;

/* Status of a standard signal's record: it is a timer's, which is in the queue. No program can
 * write it: a status comes with ends of children only. */
#define STATUS_QUEUED INT32_MIN

/* A queued signal for p, made of *spare; it counts with all of its user. NULL: too many, or no
 * memory. */
struct sig_queued *signal_claim(struct proc *p, struct sig_queued **spare);

/* Puts a record, which is in no list, behind the others of its number. Who sends sets the bit. */
void signal_enqueue(struct sig_records *records, struct sig_queued *q);

/* The timer of a record ends: true: the record is in no list, its signal, if it is pending, can
 * do without; false: it stays in the queue and is freed when it leaves it. `records`: where it
 * was sent to, NULL: to a thread that has gone. */
bool must_check signal_disown(struct sig_records *records, struct sig_queued *q);

/* None of the set is pending any more. trash NULL: there are standard signals only in the set. */
void signal_discard(u64 *pending, struct sig_records *records, u64 set,
                    struct list *trash);

/* SIGCONT and the stop signals cancel each other for all threads, which may be thousands. So it is
 * counted that they did, and what a thread has pending of them is void until its counts are the
 * process's: signal_settle() makes them so and takes it out. Who adds to `pending` of a thread
 * settles first; signals_of() reads what holds, without a lock. */
enum cancelled { CANCELLED_STOPS, CANCELLED_CONT };
void signal_cancel(struct proc *p, enum cancelled which);
void signal_settle(struct thread *t);
u64 signals_of(const struct thread *t);

/* Nothing is allocated or freed under proc_lock and sig.lock, which interrupt handlers take too.
 * Who sends a queued signal brings memory for it: signal_spare() before the locks (NULL: none is
 * needed, or there is none), signal_spare_free() of what is left after them. What is taken out
 * of a queue comes in a list, to be freed after the locks; what of it is a timer's goes back to
 * the timer then. signal_free() pauses: no spinlock held. */
struct sig_queued *signal_spare(int signo);
void signal_spare_free(struct sig_queued *spare);
void signal_free(struct proc *p, struct list *trash);

/* Takes one pending signal of `set`: its number with *rec filled in, 0: none. sig.lock. */
int signal_take(struct thread *t, u64 set, struct sig_record *rec, struct list *trash);

/* A look at what is pending, in pieces: it goes on where it was while nothing left the queue. */
struct sig_peek {
    u64 next;  /* the number of the next one to tell; first: how many are skipped */
    bool more; /* what comes behind was not looked at yet */
    struct list *pos;
    u64 at, serial, leaves; /* its number; of which thread, when */
};

/* What is pending for t, or with `shared` for its process, from k->next on: standard signals by
 * number, then real-time ones as they will be taken. At most `room`; how many. sig.lock. */
unsigned signal_peek(struct thread *t, bool shared, struct sig_peek *k,
                     struct siginfo *out, unsigned room);

/* Turns a record into what programs see. */
void signal_fill_info(struct siginfo *info, int signo, const struct sig_record *rec);
void signal_read_info(struct sig_record *rec, const struct siginfo *info);

/* None is pending any more. */
void signal_flush(u64 *pending, struct sig_records *records, struct list *trash);
