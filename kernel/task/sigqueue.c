/* SPDX-License-Identifier: MIT
 *
 * Pending signals. A standard signal needs no memory, so it can be sent from interrupts and
 * never fails; real-time signals with data are queued.
 */
#include "kernel/task/sigqueue.h"
#include "kernel/event/posix_timer.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "mm/phys/slab.h"

STATIC_ASSERT(sizeof(struct siginfo) == 128);

#define SYNCHRONOUS                                                            \
    (sig_bit(SIGSEGV) | sig_bit(SIGBUS) | sig_bit(SIGILL) | sig_bit(SIGTRAP) | \
     sig_bit(SIGFPE) | sig_bit(SIGSYS))
#define FAULTS (SYNCHRONOUS & ~sig_bit(SIGSYS))

const struct sig_record signal_of_kernel = {.code = SI_KERNEL};

/* ---- records and what programs see ---- */

static bool is_child_info(int signo, int code)
{
    return signo == SIGCHLD && code > 0 && code != SI_KERNEL;
}

static bool is_fault_info(int signo, int code)
{
    return code > 0 && signo > 0 && signo <= NSIG && sig_bit(signo) & FAULTS;
}

void signal_fill_info(struct siginfo *info, int signo, const struct sig_record *rec)
{
    *info = (struct siginfo){.si_signo = signo, .si_code = rec->code};
    if (is_fault_info(signo, rec->code)) {
        info->si_addr = rec->value;
        return;
    }
    info->si_pid = rec->pid;
    info->si_uid = rec->uid;
    if (is_child_info(signo, rec->code)) {
        info->si_status = rec->status;
        info->si_utime = rec->utime;
        info->si_stime = rec->stime;
    } else {
        info->si_value = rec->value;
    }
}

void signal_read_info(struct sig_record *rec, const struct siginfo *info)
{
    *rec = (struct sig_record){.code = info->si_code};
    if (is_fault_info(info->si_signo, info->si_code)) {
        rec->value = info->si_addr;
        return;
    }
    rec->pid = info->si_pid;
    rec->uid = info->si_uid;
    if (is_child_info(info->si_signo, info->si_code)) {
        rec->status = info->si_status;
        rec->utime = (u32)info->si_utime;
        rec->stime = (u32)info->si_stime;
    } else {
        rec->value = info->si_value;
    }
}

/* ---- queued signals ---- */

struct sig_queued *signal_spare(int signo)
{
    return signo > SIG_STANDARD_MAX ? kzalloc(sizeof(struct sig_queued)) : NULL;
}

void signal_spare_free(struct sig_queued *spare)
{
    kfree(spare);
}

struct sig_queued *signal_claim(struct proc *p, struct sig_queued **spare)
{
    REQUIRES(&p->sig.lock);
    struct account *a = p->account;
    struct sig_queued *q = spare ? *spare : NULL;

    if (!q)
        return NULL;
    if (__atomic_add_fetch(&a->signals, 1, __ATOMIC_RELAXED) >
        proc_rlimit(p, RLIMIT_SIGPENDING)) {
        __atomic_fetch_sub(&a->signals, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    *spare = NULL;
    account_hold(a);
    q->account = a;
    return q;
}

void signal_free(struct list *trash)
{
    while (!list_empty(trash)) {
        struct sig_queued *q = list_entry(trash->next, struct sig_queued, link);

        list_del(&q->link);
        __atomic_fetch_sub(&q->account->signals, 1, __ATOMIC_RELAXED);
        account_put(q->account);
        kfree(q);
    }
}

/* ---- pending sets; sig.lock held ---- */

static void drop_queued(struct sig_records *records, u64 set, struct list *trash)
{
    struct list *pos, *tmp;

    list_for_each_safe (pos, tmp, &records->queued) {
        struct sig_queued *q = list_entry(pos, struct sig_queued, link);

        if (!(set & sig_bit(q->signo)))
            continue;
        list_del(&q->link);
        if (q->timer)
            posix_timer_dropped(q);
        else
            list_add(trash, &q->link);
    }
}

void signal_discard(u64 *pending, struct sig_records *records, u64 set,
                    struct list *trash)
{
    WRITE_ONCE(*pending, *pending & ~set);
    if (!list_empty(&records->queued))
        drop_queued(records, set, trash);
}

void signal_flush(u64 *pending, struct sig_records *records, struct list *trash)
{
    signal_discard(pending, records, ~0ull, trash);
}

static void take_queued(u64 *pending, struct sig_records *records, int signo,
                        struct sig_record *rec, struct list *trash)
{
    struct list *pos, *tmp;
    bool taken = false;

    *rec = signal_of_kernel;
    list_for_each_safe (pos, tmp, &records->queued) {
        struct sig_queued *q = list_entry(pos, struct sig_queued, link);

        if (q->signo != signo)
            continue;
        if (taken) { /* one more of the same */
            *pending |= sig_bit(signo);
            break;
        }
        *rec = q->rec;
        taken = true;
        list_del(&q->link);
        if (q->timer)
            posix_timer_taken(q, rec);
        else
            list_add(trash, &q->link);
    }
}

int signal_take(struct thread *t, u64 set, struct sig_record *rec, struct list *trash)
{
    REQUIRES(&t->proc->sig.lock);
    u64 *pending = &t->pending;
    struct sig_records *records = &t->records;
    u64 ready;
    int signo;

    if (!(*pending & set)) {
        pending = &t->proc->pending;
        records = &t->proc->records;
    }
    ready = *pending & set;
    if (!ready)
        return 0;
    if (ready & SYNCHRONOUS)
        ready &= SYNCHRONOUS;
    signo = __builtin_ctzll(ready) + 1;
    *pending &= ~sig_bit(signo);
    if (signo > SIG_STANDARD_MAX || records->standard[signo].status == STATUS_QUEUED)
        take_queued(pending, records, signo, rec, trash);
    else
        *rec = records->standard[signo];
    return signo;
}
