/* SPDX-License-Identifier: MIT
 *
 * Backlinks of many pages at once.
 */
#include "mm/vm/backrun.h"
#include "lib/lock.h"

#define OLDEST 3u /* of this many runs one may give way */

/* Whether an entry of the run shows its page now. Who makes one do so holds N. */
static bool live(const struct index_node *leaf, u64 run)
{
    const pte_t *entry = phys_to_virt(backrun_key(run) << 3);
    const struct page *table = virt_to_page(entry);
    void *const *page = leaf->slot + backrun_first(run);

    if (table->type != PAGE_TABLE || table->level > 0)
        return false;
    for (unsigned k = 0, n = backrun_count(run); k < n; k++) {
        pte_t pte = pte_load(&entry[k]);

        if (pte_present(pte) && pfn_to_page(pte_pfn(pte)) == page[k])
            return true;
    }
    return false;
}

bool backrun_add(struct index_node *leaf, const pte_t *entry, unsigned first, unsigned n)
{
    REQUIRES(&virt_to_page(entry)->lock);
    REQUIRES(&leaf->lock);
    u64 run = backlink_key(entry) | (u64)first << 40 | (u64)(n - 1) << 46;
    unsigned s;

    for (s = 0; s < INDEX_WORDS && leaf->word[s]; s++)
        if (leaf->word[s] == run)
            return true;
    if (likely(s < INDEX_WORDS)) {
        leaf->word[s] = run;
        return true;
    }
    for (s = 0; s < OLDEST && live(leaf, leaf->word[s]); s++)
        continue;
    if (s == OLDEST)
        return false;
    for (; s + 1 < INDEX_WORDS; s++)
        leaf->word[s] = leaf->word[s + 1];
    leaf->word[s] = run;
    return true;
}
