/* SPDX-License-Identifier: MIT
 *
 * See lib/sort.h.
 */
#include "lib/sort.h"
#include "lib/assert.h"
#include "lib/string.h"

struct heap {
    char *items;
    size_t size;
    bool (*less)(const void *a, const void *b);
};

static char *item(const struct heap *h, size_t i)
{
    return h->items + i * h->size;
}

/* The item in hole `root` of the first n sinks below all that are greater. */
static void sift_down(const struct heap *h, size_t root, size_t n)
{
    char moved[SORT_ITEM_MAX];

    memcpy(moved, item(h, root), h->size);
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && h->less(item(h, child), item(h, child + 1)))
            child++;
        if (!h->less(moved, item(h, child)))
            break;
        memcpy(item(h, root), item(h, child), h->size);
    }
    memcpy(item(h, root), moved, h->size);
}

void sort(void *items, size_t n, size_t size, bool (*less)(const void *a, const void *b))
{
    struct heap h = {items, size, less};
    char top[SORT_ITEM_MAX];

    ASSERT(size <= SORT_ITEM_MAX);
    for (size_t i = n / 2; i-- > 0;)
        sift_down(&h, i, n);
    for (size_t end = n; end-- > 1;) {
        memcpy(top, h.items, size);
        memcpy(h.items, item(&h, end), size);
        memcpy(item(&h, end), top, size);
        sift_down(&h, 0, end);
    }
}
