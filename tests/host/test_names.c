/* SPDX-License-Identifier: MIT
 *
 * The hash of names: who knows how names are hashed, but not from where, cannot make them meet.
 */
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "lib/string.h"
#include "tests/host/fstest.h"
#include <stdio.h>

#define CHOSEN 300u
#define PLACES 1024u /* as many buckets as there are at first */

/* The function of fs/dentry.c, without a seed. */
static u64 known_hash(const struct dentry *parent, const char *name)
{
    u64 h = 0xcbf29ce484222325ull ^ ((uintptr_t)parent >> 4);

    for (; *name; name++)
        h = (h ^ (u8)*name) * 0x100000001b3ull;
    return (h ^ h >> 32) % PLACES;
}

/* The longest chain after CHOSEN names that an attacker has chosen. */
static u32 longest_chain(u64 seed)
{
    struct fs_context *fs;
    const struct dentry *root;
    u32 longest = 0;

    dentry_seed(seed);
    fs = fs_begin();
    root = fs->dirs->root.dentry;
    for (u32 i = 0, made = 0; made < CHOSEN; i++) {
        char name[16];

        snprintf(name, sizeof(name), "/%x", i);
        if (known_hash(root, name + 1) != 7)
            continue;
        fs_make(name, "");
        made++;
    }
    for (const struct dentry *d = dentry_child(root, 0); d; d = dentry_next(d)) {
        u32 n = 0;

        for (const struct dentry *e = d; e; e = e->hash_next)
            n++;
        longest = MAX(longest, n);
    }
    fs_end();
    return longest;
}

TEST(names_meet_where_the_seed_is_known)
{
    CHECK(longest_chain(0) >= CHOSEN);
}

TEST(names_cannot_be_chosen_to_meet)
{
    CHECK(longest_chain(0x123456789abcdef1ull) < 20);
}
