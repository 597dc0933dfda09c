/* SPDX-License-Identifier: MIT
 *
 * Red-black tree with augmentation, and the list, against sorted arrays.
 */
#include "lib/list.h"
#include "lib/rbtree.h"
#include "tests/host/harness.h"
#include "tests/host/rnd.h"
#include <stdlib.h>
#include <string.h>

#define ITEMS 200u

struct item {
    struct rb_node node;
    u32 key, weight, max; /* max: largest weight of the subtree */
    u32 pos;              /* where it stands in `in` or `out` */
};

static struct item items[ITEMS];
static struct item *in[ITEMS], *out[ITEMS];
static u32 nin, nout;
static struct rb_root root;
static bool augmented;

static struct item *item(struct rb_node *n)
{
    return rb_entry(n, struct item, node);
}

static u32 computed(struct rb_node *n)
{
    u32 max = item(n)->weight;

    if (n->left)
        max = MAX(max, item(n->left)->max);
    if (n->right)
        max = MAX(max, item(n->right)->max);
    return max;
}

static bool update(struct rb_node *n)
{
    u32 max = computed(n);
    bool changed = max != item(n)->max;

    item(n)->max = max;
    return changed;
}

/* Black height; checks parents, colours, order and augmentation. */
static int check_subtree(struct rb_node *n, struct rb_node *parent)
{
    int left, right;
    bool black;

    if (!n)
        return 1;
    CHECK(rb_parent(n) == parent);
    black = n->parent_color & 1;
    if (parent)
        CHECK(black || (parent->parent_color & 1));
    else
        CHECK(black);
    if (n->left)
        CHECK(item(n->left)->key <= item(n)->key);
    if (n->right)
        CHECK(item(n->right)->key >= item(n)->key);
    if (augmented)
        CHECK_EQ(item(n)->max, computed(n));
    left = check_subtree(n->left, n);
    right = check_subtree(n->right, n);
    CHECK_EQ(left, right);
    return left + black;
}

static int by_key(const void *x, const void *y)
{
    u32 a = *(const u32 *)x, b = *(const u32 *)y;

    return (a > b) - (a < b);
}

static void check_tree(void)
{
    static u32 keys[ITEMS];
    struct rb_node *n = rb_first(&root), *last = NULL;

    check_subtree(root.node, NULL);
    for (u32 i = 0; i < nin; i++)
        keys[i] = in[i]->key;
    qsort(keys, nin, sizeof(u32), by_key);
    for (u32 i = 0; i < nin; i++, last = n, n = rb_next(n)) {
        CHECK(n);
        CHECK_EQ(item(n)->key, keys[i]);
        CHECK(rb_prev(n) == last);
    }
    CHECK(!n);
    CHECK(rb_last(&root) == last);
}

static void insert(struct item *it)
{
    struct rb_node **link = &root.node, *parent = NULL;

    it->key = (u32)rnd_below(100);
    it->weight = (u32)rnd_below(1000);
    it->max = 0; /* of an empty subtree, as rb_insert wants it */
    while (*link) {
        parent = *link;
        link = it->key < item(parent)->key ? &parent->left : &parent->right;
    }
    rb_insert(&root, &it->node, parent, link, augmented ? update : NULL);
    if (augmented)
        rb_propagate(&it->node, update);
}

static void move_to(struct item *it, struct item **from, u32 *nfrom, struct item **to,
                    u32 *nto)
{
    from[it->pos] = from[--*nfrom];
    from[it->pos]->pos = it->pos;
    it->pos = *nto;
    to[(*nto)++] = it;
}

static void churn(u64 steps)
{
    for (u32 i = 0; i < ITEMS; i++) {
        out[i] = &items[i];
        items[i].pos = i;
    }
    nout = ITEMS;
    for (u64 step = 0; step < steps; step++) {
        /* Grows and shrinks in waves. */
        bool add = rnd_below(100) < (step / 400 % 2 ? 30 : 70);

        if (add && nout) {
            struct item *it = out[rnd_below(nout)];

            move_to(it, out, &nout, in, &nin);
            insert(it);
        } else if (!add && nin) {
            struct item *it = in[rnd_below(nin)];

            rb_erase(&root, &it->node, augmented ? update : NULL);
            memset(&it->node, 0x5a, sizeof(it->node));
            move_to(it, in, &nin, out, &nout);
        } else if (nin && augmented) {
            struct item *it = in[rnd_below(nin)];

            it->weight = (u32)rnd_below(1000);
            rb_propagate(&it->node, update);
        }
        check_tree();
    }
}

TEST(rbtree_plain)
{
    churn(8000);
}

TEST(rbtree_augmented)
{
    augmented = true;
    churn(8000);
}

struct element {
    struct list link;
    int id;
};

static struct rb_node *next_item(void *arg)
{
    u32 *at = arg;

    return &in[(*at)++]->node;
}

/* Trees of all sizes from lists; then they are used as any other. */
TEST(rbtree_built)
{
    augmented = true;
    for (u32 n = 0; n <= ITEMS; n++) {
        u32 at = 0;

        nin = n;
        for (u32 i = 0; i < n; i++) {
            in[i] = &items[i];
            items[i] = (struct item){.key = i, .weight = rnd_below(1000), .pos = i};
        }
        rb_build(&root, n, next_item, &at, update);
        CHECK_EQ(at, n);
        check_tree();
        for (u32 left = n; left > n / 2; left--) {
            rb_erase(&root, &in[--nin]->node, update);
            check_tree();
        }
    }
}

TEST(list_operations)
{
    struct element e[8];
    struct list head = LIST_INIT(head), *pos, *tmp;
    int order[8], n = 0, i;

    CHECK(list_empty(&head) && !list_first(&head));
    for (i = 0; i < 8; i++) {
        e[i].id = i;
        list_init(&e[i].link);
    }
    for (int step = 0; step < 20000; step++) {
        int id = (int)rnd_below(8), at = -1;

        for (i = 0; i < n; i++)
            if (order[i] == id)
                at = i;
        if (at >= 0) {
            list_del(&e[id].link);
            list_del(&e[id].link); /* harmless */
            memmove(order + at, order + at + 1, sizeof(int) * (size_t)(n - at - 1));
            n--;
        } else if (rnd_below(2)) {
            list_add(&head, &e[id].link);
            memmove(order + 1, order, sizeof(int) * (size_t)n);
            order[0] = id;
            n++;
        } else {
            list_add_tail(&head, &e[id].link);
            order[n++] = id;
        }
        i = 0;
        list_for_each (pos, &head) {
            CHECK(i < n);
            CHECK_EQ(list_entry(pos, struct element, link)->id, order[i++]);
        }
        CHECK_EQ(i, n);
        CHECK(list_empty(&head) == (n == 0));
        CHECK(list_first(&head) == (n ? &e[order[0]].link : NULL));
    }
    list_for_each_safe (pos, tmp, &head)
        list_del(pos);
    CHECK(list_empty(&head));
}
