/* SPDX-License-Identifier: MIT
 *
 * The queue of ready threads, its slower half; see kernel/task/runq.h.
 */
#include "kernel/task/runq.h"
#include "arch/time.h"

#define WEIGHT_SHIFT 10 /* weight 1024 counts a cycle as one */
#define SHARERS_MAX  65536u
#define RAN_MAX      (1ull << 27) /* cycles counted at once */

struct runq runq;

/* Linux's weights of the nice values -20 to 19, as 2^20 / weight. */
static const u32 inverse_weight[40] = {
    12,   15,    19,    23,    29,    36,    45,    56,    70,    88,
    110,  138,   172,   214,   268,   336,   419,   527,   661,   821,
    1024, 1279,  1601,  1993,  2479,  3130,  3855,  4877,  6096,  7654,
    9533, 12053, 14980, 18725, 23302, 29127, 36158, 45590, 58254, 69905,
};

void runq_init(void)
{
    runq.head_start = clock_cycles_of_ns(3000000);
    runq.debt_max = clock_cycles_of_ns(1000000000);
}

void runq_add_weighed(struct thread *t, u64 ran, u64 sharers)
{
    const struct proc *p = t->proc;

    ran = MIN(ran, RAN_MAX) * inverse_weight[p->nice + 20] >> WEIGHT_SHIFT;
    t->vruntime += ran * MIN(MAX(sharers, 1ull), SHARERS_MAX);
    if (runq_earlier(runq.least + runq.debt_max, t->vruntime))
        t->vruntime = runq.least + runq.debt_max;
}

void runq_put_rest(struct thread *t)
{
    struct rb_node **link = &runq.rest.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = runq_before(t, rb_entry(parent, struct thread, run_node)) ? &parent->left
                                                                         : &parent->right;
    }
    rb_insert(&runq.rest, &t->run_node, parent, link, NULL);
}

struct thread *runq_take_rest(void)
{
    struct rb_node *next = rb_first(&runq.rest);

    rb_erase(&runq.rest, next, NULL);
    return rb_entry(next, struct thread, run_node);
}
