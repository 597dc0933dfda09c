/* SPDX-License-Identifier: MIT
 *
 * Futex calls about two words: waiters that move from one to the other, and FUTEX_WAKE_OP,
 * which changes one and wakes at both.
 */
#include "kernel/task/futex/futex_two.h"
#include "kernel/task/futex/futex.h"
#include "kernel/task/futex/futex_key.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/vm/object.h"

static int waits_plainly(struct futex_waiter *w, void *arg)
{
    (void)arg;
    return w->pi || w->requeue_key ? -EINVAL : 0;
}

static void pause_of_two(struct futex_bucket *a, struct futex_bucket *b)
{
    futex_unlock_two(a, b);
    pause_anyway();
    futex_lock_two(a, b);
}

static int requeue_now(const struct futex_two *r, struct futex_bucket *b,
                       struct futex_bucket *to)
{
    struct futex_moving m = {.bucket = b,
                             .to_bucket = to,
                             .from = &r->key,
                             .to = &r->other,
                             .last = b->arrivals,
                             .limit = r->n_other,
                             .pauses = true,
                             .admit = waits_plainly};
    int woken = 0, done;
    u32 value;

    if (r->compare) {
        done = futex_load_now(r->addr, &value);
        if (done)
            return done;
        if (value != r->value)
            return -EAGAIN;
    }
    while ((done = futex_wake_some(b, &r->key, r->n, ~0u, m.last, &woken)) == 0)
        pause_of_two(b, to);
    if (done < 0)
        return done;
    while (!futex_same_key(&r->key, &r->other) && !futex_move_some(&m))
        pause_of_two(b, to);
    return m.err ? m.err : woken + m.moved;
}

/* FUTEX_WAKE_OP's code: what becomes of the word. */
static int new_value(u32 code, u32 old, u32 *new)
{
    u32 arg = (u32)((s32)(code << 8) >> 20);

    if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
        arg = 1u << (arg & 31);
    switch (code >> 28 & 7) {
    case FUTEX_OP_SET:
        *new = arg;
        return 0;
    case FUTEX_OP_ADD:
        *new = old + arg;
        return 0;
    case FUTEX_OP_OR:
        *new = old | arg;
        return 0;
    case FUTEX_OP_ANDN:
        *new = old & ~arg;
        return 0;
    case FUTEX_OP_XOR:
        *new = old ^ arg;
        return 0;
    default:
        return -ENOSYS;
    }
}

/* ... and whether the old value is one to wake the second word's waiters for. */
static int compares(u32 code, u32 old)
{
    s32 value = (s32)old, arg = (s32)(code << 20) >> 20;

    switch (code >> 24 & 15) {
    case FUTEX_OP_CMP_EQ:
        return value == arg;
    case FUTEX_OP_CMP_NE:
        return value != arg;
    case FUTEX_OP_CMP_LT:
        return value < arg;
    case FUTEX_OP_CMP_LE:
        return value <= arg;
    case FUTEX_OP_CMP_GT:
        return value > arg;
    case FUTEX_OP_CMP_GE:
        return value >= arg;
    default:
        return -ENOSYS;
    }
}

/* The operation on the second word; 1: its waiters are to be woken too. */
static int change_word(vaddr_t addr, u32 code)
{
    u32 old, new;
    int err;

    do {
        err = futex_load_now(addr, &old);
        if (!err)
            err = new_value(code, old, &new);
        if (!err)
            err = futex_xchg_now(addr, old, new);
    } while (err == -EAGAIN);
    return err ? err : compares(code, old);
}

static int wake_op_now(const struct futex_two *r, struct futex_bucket *b,
                       struct futex_bucket *other)
{
    int also = change_word(r->other_addr, r->value), woken;

    if (also < 0)
        return also;
    /* Others may come in between; the word has changed, which is what they look at. */
    futex_unlock_two(b, other);
    woken = futex_wake_key(&r->key, MAX(r->n, 1), ~0u);
    if (woken >= 0 && also) {
        also = futex_wake_key(&r->other, MAX(r->n_other, 1), ~0u);
        woken = also < 0 ? also : woken + also;
    }
    futex_lock_two(b, other);
    return woken;
}

long futex_two_words(struct futex_two *r, bool private, bool wake_op)
{
    vaddr_t touched = wake_op ? r->other_addr : r->addr;
    enum futex_access access = wake_op ? FUTEX_WRITES : FUTEX_READS;
    int err;

    do {
        struct futex_bucket *b, *other;

        err = futex_key_get(&r->key, r->addr, private, FUTEX_READS);
        if (err)
            return err;
        err = futex_key_get(&r->other, r->other_addr, private, access);
        if (err) {
            futex_key_put(&r->key);
            return err;
        }
        b = futex_bucket_of(&r->key);
        other = futex_bucket_of(&r->other);
        futex_lock_two(b, other);
        err = wake_op ? wake_op_now(r, b, other) : requeue_now(r, b, other);
        futex_unlock_two(b, other);
        futex_key_put(&r->key);
        futex_key_put(&r->other);
    } while (err == -EFAULT && (err = futex_fault_in(touched, access)) == 0);
    return err;
}
