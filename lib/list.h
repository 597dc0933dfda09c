/* SPDX-License-Identifier: MIT
 *
 * Intrusive circular doubly linked list. The head is a `struct list` that is no element.
 * No function here allocates or locks; the owner of the head names the lock.
 */
#pragma once

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)  \
    {                    \
        &(name), &(name) \
    }
#define list_entry(ptr, type, member) container_of(ptr, type, member)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_(struct list *node, struct list *prev, struct list *next)
{
    next->prev = node;
    node->next = next;
    node->prev = prev;
    prev->next = node;
}

/* Adds as first element. */
static inline void list_add(struct list *head, struct list *node)
{
    list_insert_(node, head, head->next);
}

/* Adds as last element. */
static inline void list_add_tail(struct list *head, struct list *node)
{
    list_insert_(node, head->prev, head);
}

/* Removes and leaves the node an empty list of its own, so a second removal is harmless. */
static inline void list_del(struct list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    list_init(node);
}

/* Moves the run from `first` to `last`, both of one list, behind all of another. */
static inline void list_move_run(struct list *to, struct list *first, struct list *last)
{
    first->prev->next = last->next;
    last->next->prev = first->prev;
    first->prev = to->prev;
    last->next = to;
    to->prev->next = first;
    to->prev = last;
}

static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

#define list_for_each(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_safe(pos, tmp, head) \
    for (pos = (head)->next, tmp = pos->next; pos != (head); pos = tmp, tmp = pos->next)
