/* SPDX-License-Identifier: MIT
 *
 * Lists of supplementary groups: sorted, never changed once they are in use, and shared by
 * all who inherited them. Permission checks look at the list of the running process without a
 * reference: one that was replaced is freed after a grace period (lib/grace.h), and they do
 * not pause.
 */
#pragma once

#include "lib/grace.h"
#include "lib/types.h"

#define GROUPS_MAX 65536u /* NGROUPS_MAX */

struct account;

struct fs_groups {
    u32 refs;              /* atomic: processes, and who looks while he may pause */
    u32 n;                 /* [c] */
    struct account *payer; /* [c] referenced */
    struct grace_item grace;
    u32 gid[]; /* [c] ascending */
};

/* n <= GROUPS_MAX groups to be filled in, with one reference, paid by the running user. NULL:
 * no memory. */
struct fs_groups *groups_create(u32 n);
/* Sorts what was filled in. Pauses. -ENOMEM. */
int must_check groups_sort(struct fs_groups *g);

/* NULL, no groups, is as good as any. */
static inline void groups_hold(struct fs_groups *g)
{
    if (g)
        __atomic_fetch_add(&g->refs, 1, __ATOMIC_RELAXED);
}
/* For one that was only found: false when its last reference is gone. */
bool must_check groups_tryhold(struct fs_groups *g);
void groups_put(struct fs_groups *g);

static inline u32 groups_count(const struct fs_groups *g)
{
    return g ? g->n : 0;
}
bool groups_have(const struct fs_groups *g, u32 gid);
