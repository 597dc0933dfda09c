/* SPDX-License-Identifier: MIT
 *
 * Lists of supplementary groups: sorted, never changed once they are in use, and shared by
 * all who inherited them.
 */
#pragma once

#include "lib/types.h"

#define GROUPS_MAX 65536u /* NGROUPS_MAX */

struct account;

struct fs_groups {
    u32 refs;              /* atomic: credentials, and who looks at another's */
    u32 n;                 /* [c] */
    struct account *payer; /* [c] referenced */
    u32 gid[];             /* [c] ascending */
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
void groups_put(struct fs_groups *g);

static inline u32 groups_count(const struct fs_groups *g)
{
    return g ? g->n : 0;
}
bool groups_have(const struct fs_groups *g, u32 gid);
