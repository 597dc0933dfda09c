/* SPDX-License-Identifier: MIT
 *
 * Restartable sequences. The record and what it points to are the program's: all of it is read
 * once and checked, and what is wrong ends in SIGSEGV, as on Linux.
 */
#include "kernel/task/rseq.h"
#include "arch/trap.h"
#include "kernel/task/deliver.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

/* Offsets in the record. */
#define AT_CPU_ID_START 0u
#define AT_SEQUENCE     8u
#define AT_FLAGS        16u
#define AT_NODE_ID      20u

struct rseq_sequence {
    u32 version, flags;
    u64 start, length, abort;
};

void rseq_note(struct thread *t)
{
    WRITE_ONCE(t->rseq_due, true);
    thread_look(t);
}

int rseq_write_cpu(vaddr_t at, u32 start, u32 cpu)
{
    const u32 words[2] = {start, cpu}, node = 0;

    if (copy_to_user(at + AT_CPU_ID_START, words, sizeof(words)) != 0)
        return -EFAULT;
    return copy_to_user(at + AT_NODE_ID, &node, sizeof(node));
}

/* The sequence at `at` is one, and its abort handler bears the program's signature. */
static int check_sequence(const struct thread *t, const struct rseq_sequence *s)
{
    u32 signature;

    if (s->version || s->flags || s->start >= USER_END || s->length > USER_END ||
        s->start + s->length >= USER_END || s->abort >= USER_END ||
        s->abort - s->start < s->length)
        return -EINVAL;
    if (copy_from_user(&signature, s->abort - sizeof(signature), sizeof(signature)) != 0)
        return -EFAULT;
    return signature == t->rseq_signature ? 0 : -EINVAL;
}

int rseq_leave(struct thread *t, struct trapframe *tf)
{
    const u64 none = 0;
    struct rseq_sequence s;
    u32 flags;
    u64 at;
    int err;

    if (copy_from_user(&at, t->rseq + AT_SEQUENCE, sizeof(at)) != 0)
        return -EFAULT;
    if (!at)
        return 0;
    if (at >= USER_END)
        return -EINVAL;
    if (copy_from_user(&s, at, sizeof(s)) != 0 ||
        copy_from_user(&flags, t->rseq + AT_FLAGS, sizeof(flags)) != 0)
        return -EFAULT;
    err = check_sequence(t, &s);
    if (err)
        return err;
    if (tf->rip - s.start < s.length && flags)
        return -EINVAL; /* no flag has a meaning any more */
    if (copy_to_user(t->rseq + AT_SEQUENCE, &none, sizeof(none)) != 0)
        return -EFAULT;
    if (tf->rip - s.start < s.length)
        tf->rip = s.abort;
    return 0;
}

void rseq_resume(struct thread *t, struct trapframe *tf)
{
    u32 cpu;

    WRITE_ONCE(t->rseq_due, false);
    cpu = READ_ONCE(t->cpu); /* if it changes from here on it is due again */
    if (rseq_leave(t, tf) != 0 || rseq_write_cpu(t->rseq, cpu, cpu) != 0) {
        t->rseq = 0; /* one signal for it is enough */
        signal_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
    }
}
