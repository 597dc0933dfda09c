/* SPDX-License-Identifier: MIT
 *
 * Where the nodes of an index come from (lib/index.h): those of objects, and of censuses.
 */
#include "lib/index.h"
#include "mm/phys/slab.h"

SLAB_CACHE_LINES(node_cache, "index_node", struct index_node);

struct index_node *index_node_alloc(void)
{
    return slab_zalloc(&node_cache);
}

void index_node_free(struct index_node *node)
{
    slab_free(&node_cache, node);
}
