/* SPDX-License-Identifier: MIT
 *
 * Lists of supplementary groups, see fs/groups.h.
 */
#include "fs/groups.h"
#include "lib/assert.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

static size_t bytes(const struct fs_groups *g)
{
    return sizeof(*g) + g->n * sizeof(g->gid[0]);
}

struct fs_groups *groups_create(u32 n)
{
    struct fs_groups *g = kmalloc(sizeof(*g) + n * sizeof(g->gid[0]));

    ASSERT(n <= GROUPS_MAX);
    if (!g)
        return NULL;
    g->refs = 1;
    g->n = n;
    g->payer = account_current();
    account_hold(g->payer);
    __atomic_fetch_add(&g->payer->bytes, bytes(g), __ATOMIC_RELAXED);
    return g;
}

void groups_put(struct fs_groups *g)
{
    if (!g || __atomic_sub_fetch(&g->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    __atomic_fetch_sub(&g->payer->bytes, bytes(g), __ATOMIC_RELAXED);
    account_put(g->payer);
    kfree(g);
}

/* By one byte of the ids; what was equal keeps its order. */
static void sort_by(const u32 *from, u32 *to, u32 n, unsigned shift)
{
    u32 at[256] = {0}, sum = 0;

    for (u32 i = 0; i < n; i++)
        at[from[i] >> shift & 255]++;
    for (unsigned b = 0; b < 256; b++) {
        u32 count = at[b];

        at[b] = sum;
        sum += count;
    }
    pause_anyway();
    for (u32 i = 0; i < n; i++)
        to[at[from[i] >> shift & 255]++] = from[i];
    pause_anyway();
}

int groups_sort(struct fs_groups *g)
{
    u32 *other, i = 1;

    while (i < g->n && g->gid[i - 1] <= g->gid[i])
        i++;
    if (i >= g->n)
        return 0;
    other = kmalloc(g->n * sizeof(*other));
    if (!other)
        return -ENOMEM;
    for (unsigned shift = 0; shift < 32; shift += 16) {
        sort_by(g->gid, other, g->n, shift);
        sort_by(other, g->gid, g->n, shift + 8);
    }
    kfree(other);
    return 0;
}

bool groups_have(const struct fs_groups *g, u32 gid)
{
    u32 low = 0, high = groups_count(g);

    while (low < high) {
        u32 middle = (low + high) / 2;

        if (g->gid[middle] < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < groups_count(g) && g->gid[low] == gid;
}
