/* SPDX-License-Identifier: MIT
 *
 * The binary interface of the calls that rearrange mappings (docs/reference/remapv.md and its
 * neighbours). user/include/tessera.h says the same to programs.
 */
#pragma once

#include "lib/assert.h"
#include "lib/types.h"

/* remapv: one entry of the vector. */
struct remap_vec {
    u64 addr;   /* first address, page aligned */
    u64 pgoff;  /* file page shown there afterwards */
    u32 npages; /* not 0 */
    u32 flags;  /* 0 */
};
STATIC_ASSERT(sizeof(struct remap_vec) == 24);

#define RM_ATOMIC     1u /* all entries or none */
#define RM_NOPOPULATE 2u /* translations come by faults */
#define RM_CHECK      4u /* no page past the end of the file */
#define RM_FLAGS      7u

#define RM_ATOMIC_MAX   1024u      /* entries of an atomic vector */
#define RM_ATOMIC_PAGES (1u << 24) /* pages of an atomic vector of several entries */

/* remap_query: what one page's word holds. */
#define RMQ_PGOFF    0x000fffffffffffffull /* file page */
#define RMQ_AWAY     (1ull << 56)          /* not the linear one */
#define RMQ_PRESENT  (1ull << 57)          /* a translation is in place */
#define RMQ_DIRTY    (1ull << 58)          /* written through it, or could have been */
#define RMQ_ACCESSED (1ull << 59)          /* read through it, or could have been */
