/* SPDX-License-Identifier: MIT
 *
 * futex(2) as the suites call it: the operations in their private forms, robust lists.
 */
#pragma once

#include "lib/uapi/futex.h"
#include "tests/user/t.h"

#define FUTEX_WAIT_PRIVATE            (FUTEX_WAIT | FUTEX_PRIVATE_FLAG)
#define FUTEX_WAKE_PRIVATE            (FUTEX_WAKE | FUTEX_PRIVATE_FLAG)
#define FUTEX_CMP_REQUEUE_PRIVATE     (FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG)
#define FUTEX_WAKE_OP_PRIVATE         (FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG)
#define FUTEX_LOCK_PI_PRIVATE         (FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG)
#define FUTEX_UNLOCK_PI_PRIVATE       (FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG)
#define FUTEX_TRYLOCK_PI_PRIVATE      (FUTEX_TRYLOCK_PI | FUTEX_PRIVATE_FLAG)
#define FUTEX_WAIT_REQUEUE_PI_PRIVATE (FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG)
#define FUTEX_CMP_REQUEUE_PI_PRIVATE  (FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG)

#define FUTEX_OP(op, arg, cmp, cmparg)                                     \
    ((unsigned)(op) << 28 | (unsigned)(cmp) << 24 | ((arg)&0xfffu) << 12 | \
     ((cmparg)&0xfffu))

struct robust_list {
    struct robust_list *next;
};

struct robust_list_head {
    struct robust_list list;
    long futex_offset;
    struct robust_list *list_op_pending;
};

static inline long futex(void *word, unsigned op, unsigned val, const void *timeout,
                         void *word2, unsigned val3)
{
    return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}
