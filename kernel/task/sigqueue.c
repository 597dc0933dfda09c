/* SPDX-License-Identifier: MIT
 *
 * Pending signals. A standard signal needs no memory, so it can be sent from interrupts and
 * never fails; real-time signals with data are queued.
 */
#include "kernel/task/sigqueue.h"
#include "kernel/event/posix_timer.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/ptrace.h"
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

static bool is_call_info(int signo, int code)
{
    return signo == SIGSYS && code == SYS_SECCOMP;
}

void signal_fill_info(struct siginfo *info, int signo, const struct sig_record *rec)
{
    *info = (struct siginfo){.si_signo = signo, .si_code = rec->code};
    if (is_fault_info(signo, rec->code)) {
        info->si_addr = rec->value;
        info->si_pkey = rec->pkey;
        return;
    }
    if (rec->code < 0 || is_call_info(signo, rec->code))
        info->si_errno = rec->error;
    if (is_call_info(signo, rec->code)) {
        info->si_call_addr = rec->value;
        info->si_syscall = rec->pid;
        info->si_arch = AUDIT_ARCH_X86_64;
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
        rec->pkey = info->si_pkey;
        return;
    }
    if (rec->code < 0 || is_call_info(info->si_signo, info->si_code))
        rec->error = info->si_errno;
    if (is_call_info(info->si_signo, info->si_code)) {
        rec->value = info->si_call_addr;
        rec->pid = info->si_syscall;
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

/* A record that a timer may still own: true when nobody does. */
static bool is_free(struct proc *p, struct sig_queued *q)
{
    if (likely(!READ_ONCE(q->timer)))
        return true;
    SCOPED_LOCK_IRQ(&p->sig.lock);
    if (!q->timer)
        return true;
    posix_timer_dropped(q);
    return false;
}

void signal_free(struct proc *p, struct list *trash)
{
    while (!list_empty(trash)) {
        struct sig_queued *q = list_entry(trash->next, struct sig_queued, link);

        list_del(&q->link);
        if (is_free(p, q)) {
            __atomic_fetch_sub(&q->account->signals, 1, __ATOMIC_RELAXED);
            account_put(q->account);
            kfree(q);
        }
        pause_anyway();
    }
}

/* ---- pending sets; sig.lock held ---- */

/* The queue is one list, sorted by class: first what timers sent of standard signals, at most
 * one of each, then each real-time signal, in the order it was sent in. `last` knows where a
 * class ends, so nothing that is done here depends on how many are queued. */
static u32 class_of(int signo)
{
    return signo <= SIG_STANDARD_MAX ? 0 : (u32)(signo - SIG_STANDARD_MAX);
}

/* The place behind the last of the lower classes. */
static struct list *class_head(struct sig_records *records, u32 class)
{
    while (class)
        if (records->last[--class])
            return records->last[class];
    return &records->queued;
}

void signal_enqueue(struct sig_records *records, struct sig_queued *q)
{
    u32 class = class_of(q->signo);

    list_add(records->last[class] ?: class_head(records, class), &q->link);
    records->last[class] = &q->link;
}

static void dequeue(struct sig_records *records, struct sig_queued *q)
{
    u32 class = class_of(q->signo);

    if (records->last[class] == &q->link)
        records->last[class] =
            q->link.prev == class_head(records, class) ? NULL : q->link.prev;
    records->leaves++;
    list_del(&q->link);
}

/* The one sent first; NULL: it has no record. */
static struct sig_queued *first_queued(struct sig_records *records, int signo)
{
    u32 class = class_of(signo);
    struct list *pos, *last = records->last[class];

    if (!last)
        return NULL;
    for (pos = class_head(records, class)->next;; pos = pos->next) {
        struct sig_queued *q = list_entry(pos, struct sig_queued, link);

        if (q->signo == signo)
            return q;
        if (pos == last)
            return NULL;
    }
}

static void discard_one(struct sig_records *records, int signo, struct list *trash)
{
    u32 class = class_of(signo);
    struct list *last = records->last[class];
    struct sig_queued *q;

    if (class && last) {
        records->last[class] = NULL;
        records->leaves++;
        list_move_run(trash, class_head(records, class)->next, last);
    } else if ((q = first_queued(records, signo)) != NULL) {
        dequeue(records, q); /* a timer's, see signal_disown() */
        posix_timer_dropped(q);
    }
}

void signal_discard(u64 *pending, struct sig_records *records, u64 set,
                    struct list *trash)
{
    u64 gone = *pending & set;

    WRITE_ONCE(*pending, *pending & ~set);
    if (likely(list_empty(&records->queued)))
        return;
    for (; gone; gone &= gone - 1)
        discard_one(records, __builtin_ctzll(gone) + 1, trash);
}

static u64 cancelled(unsigned which)
{
    return which == CANCELLED_STOPS ? SIG_STOPS : sig_bit(SIGCONT);
}

void signal_cancel(struct proc *p, enum cancelled which)
{
    REQUIRES(&p->sig.lock);
    signal_discard(&p->pending, &p->records, cancelled(which), NULL);
    WRITE_ONCE(p->cancels[which], p->cancels[which] + 1);
}

void signal_settle(struct thread *t)
{
    REQUIRES(&t->proc->sig.lock);
    for (unsigned i = 0; i <= CANCELLED_CONT; i++) {
        if (likely(t->cancels[i] == t->proc->cancels[i]))
            continue;
        signal_discard(&t->pending, &t->records, cancelled(i), NULL);
        WRITE_ONCE(t->cancels[i], t->proc->cancels[i]);
    }
}

u64 signals_of(const struct thread *t)
{
    u64 pending = READ_ONCE(t->pending);

    for (unsigned i = 0; i <= CANCELLED_CONT; i++)
        if (unlikely(READ_ONCE(t->cancels[i]) != READ_ONCE(t->proc->cancels[i])))
            pending &= ~cancelled(i);
    return pending;
}

void signal_flush(u64 *pending, struct sig_records *records, struct list *trash)
{
    WRITE_ONCE(*pending, 0);
    memset(records->last, 0, sizeof(records->last));
    records->leaves++;
    if (!list_empty(&records->queued))
        list_move_run(trash, records->queued.next, records->queued.prev);
}

bool signal_disown(struct sig_records *records, struct sig_queued *q)
{
    if (list_empty(&q->link))
        return true;
    if (!records || q->signo > SIG_STANDARD_MAX)
        return false;
    dequeue(records, q);
    records->standard[q->signo] = q->rec;
    return true;
}

static void take_queued(u64 *pending, struct sig_records *records, int signo,
                        struct sig_record *rec, struct list *trash)
{
    struct sig_queued *q = first_queued(records, signo);

    *rec = (struct sig_record){
        .code = SI_USER}; /* of one whose record is lost, as Linux says */
    if (!q)
        return;
    dequeue(records, q);
    *rec = q->rec;
    if (q->timer)
        posix_timer_taken(q, rec);
    else
        list_add(trash, &q->link);
    if (signo > SIG_STANDARD_MAX && records->last[class_of(signo)])
        *pending |= sig_bit(signo); /* one more of the same */
}

int signal_take(struct thread *t, u64 set, struct sig_record *rec, struct list *trash)
{
    REQUIRES(&t->proc->sig.lock);
    u64 *pending = &t->pending;
    struct sig_records *records = &t->records;
    u64 ready;
    int signo;

    signal_settle(t);
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

/* The record that a pending standard signal has. */
static const struct sig_record *record_of(struct sig_records *records, int signo)
{
    const struct sig_record *rec = &records->standard[signo];
    const struct sig_queued *q =
        rec->status == STATUS_QUEUED ? first_queued(records, signo) : NULL;

    return rec->status != STATUS_QUEUED ? rec : q ? &q->rec : &signal_of_kernel;
}

#define PEEK_STEPS 2048u

unsigned signal_peek(struct thread *t, bool shared, struct sig_peek *k,
                     struct siginfo *out, unsigned room)
{
    REQUIRES(&t->proc->sig.lock);
    struct sig_records *records = shared ? &t->proc->records : &t->records;
    unsigned n = 0, steps = 0;
    u64 standard, at = 0;
    struct list *pos;

    signal_settle(t);
    standard = (shared ? t->proc->pending : t->pending) & ((1ul << SIG_STANDARD_MAX) - 1);
    for (; standard; standard &= standard - 1, at++)
        if (at == k->next && n < room) {
            int signo = __builtin_ctzll(standard) + 1;

            signal_fill_info(&out[n++], signo, record_of(records, signo));
            k->next++;
        }
    if (!k->pos || k->serial != t->serial || k->leaves != records->leaves || k->at < at) {
        k->pos = class_head(records, 1)->next;
        k->at = at;
    }
    k->serial = t->serial;
    k->leaves = records->leaves;
    for (pos = k->pos; pos != &records->queued && n < room && steps < PEEK_STEPS;
         steps++) {
        const struct sig_queued *q = list_entry(pos, struct sig_queued, link);

        if (k->at == k->next) {
            signal_fill_info(&out[n++], q->signo, &q->rec);
            k->next++;
        }
        k->at++;
        pos = pos->next;
    }
    k->pos = pos != &records->queued ? pos : NULL;
    k->more = k->pos || k->next < at;
    return n;
}
