/* SPDX-License-Identifier: MIT
 *
 * The block function of the random generator against the vectors of RFC 8439 (A.1, with a
 * nonce of zeros), and many blocks at once against one at a time.
 */
#include "arch/chacha.h"
#include "lib/string.h"
#include "tests/host/harness.h"

static const u8 zero_key_0[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                  0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
static const u8 zero_key_1[16] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                  0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
static const u8 one_key_1[16] = {0x3a, 0xeb, 0x52, 0x24, 0xec, 0xf8, 0x49, 0x92,
                                 0x9b, 0x9d, 0x82, 0x8d, 0xb1, 0xce, 0xd4, 0xdd};

TEST(chacha_vectors)
{
    u32 key[CHACHA_KEY_WORDS] = {0};
    u8 out[2 * CHACHA_BLOCK];

    arch_chacha_blocks(key, 0, out, 2);
    CHECK(memcmp(out, zero_key_0, sizeof(zero_key_0)) == 0);
    CHECK(memcmp(out + CHACHA_BLOCK, zero_key_1, sizeof(zero_key_1)) == 0);
    key[7] = 0x01000000; /* the last byte of the key is 1 */
    arch_chacha_blocks(key, 1, out, 1);
    CHECK(memcmp(out, one_key_1, sizeof(one_key_1)) == 0);
}

TEST(chacha_many_blocks)
{
    u32 key[CHACHA_KEY_WORDS];
    u8 all[5 * CHACHA_BLOCK + 1], one[CHACHA_BLOCK];
    u64 counter = (1ull << 32) - 2; /* carries into the upper word */

    for (unsigned i = 0; i < CHACHA_KEY_WORDS; i++)
        key[i] = (u32)test_rand();
    all[sizeof(all) - 1] = 0x5a;
    arch_chacha_blocks(key, counter, all, 5);
    CHECK_EQ(all[sizeof(all) - 1], 0x5a);
    for (unsigned i = 0; i < 5; i++) {
        arch_chacha_blocks(key, counter + i, one, 1);
        CHECK(memcmp(one, all + i * CHACHA_BLOCK, CHACHA_BLOCK) == 0);
    }
}
