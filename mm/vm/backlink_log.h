/* SPDX-License-Identifier: MIT
 *
 * The log of a page with more than four backlinks: a set of keys. A small one is one hash table
 * of 64 bytes up to a page; a table of a page that is full of live keys becomes a node with 16
 * children, chosen by four bits of the key's hash, which are tables or nodes again. So nothing
 * in it is larger than a page, adding a key costs the same however many there are (a million
 * need three levels of nodes), a key is in it once, and no step looks at more than one table.
 *
 * A log is a word: 0 when empty, else the address of its root. Only mm/vm/backlink.c uses this;
 * the lock of the page's leaf of the index (N) is held, or the page has left the index.
 */
#pragma once

#include "lib/types.h"

struct page;

/* Adds `key` to the log of pg, whose stale keys may be thrown out on the way. 0; -ENOMEM: it
 * is not in. */
int must_check log_add(const struct page *pg, uintptr_t *log, u64 key);

bool log_has(uintptr_t log, u64 key);

/* Whether the log is a small table with so few keys that they fit inline. */
bool log_small(uintptr_t log);

/* Visits the keys of one table, that of position *at (0: the first), and moves *at behind it.
 * false: it was the last. The log may change between two calls: a key that stays is visited,
 * one added or taken out meanwhile may be. */
bool log_visit_part(uintptr_t log, u64 *at, void (*visit)(u64 key, void *arg), void *arg);

/* Throws the stale keys out of one table in the same order, and makes it smaller or frees it. A node
 * it leaves, and whose keys fit in a part of a table, becomes one. */
bool log_prune_part(const struct page *pg, uintptr_t *log, u64 *at);

/* Frees a small log, or a node and its tables. */
void log_free(uintptr_t log);

/* For any log: puts it into the list at *dead, then frees a table or node of that list. true: there
 * is more. *dead is 0 at first. */
void log_bury(uintptr_t *dead, uintptr_t log);
bool log_free_buried(uintptr_t *dead);
