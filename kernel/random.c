/* SPDX-License-Identifier: MIT
 *
 * One generator: ChaCha20 (RFC 8439, 2.3) with fast key erasure. Each request takes a key of
 * its own from the state and replaces the state by the next one, so what was given out can
 * not be computed from what remains. The state is seeded and stirred with the CPU's random
 * instruction, the cycle counter and the moments of input.
 */
#include "kernel/random.h"

#include "arch/cpu.h"
#include "arch/time.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define KEY_WORDS   8
#define BLOCK_BYTES 64

static spinlock_t lock;
static u32 state[KEY_WORDS];

static inline u32 rotate(u32 x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void quarter_round(u32 *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

static void chacha_block(const u32 key[KEY_WORDS], u64 counter, u32 out[16])
{
    u32 in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(in + 4, key, KEY_WORDS * sizeof(u32));
    in[12] = (u32)counter;
    in[13] = (u32)(counter >> 32);
    memcpy(out, in, sizeof(in));
    for (int i = 0; i < 10; i++) {
        quarter_round(out, 0, 4, 8, 12);
        quarter_round(out, 1, 5, 9, 13);
        quarter_round(out, 2, 6, 10, 14);
        quarter_round(out, 3, 7, 11, 15);
        quarter_round(out, 0, 5, 10, 15);
        quarter_round(out, 1, 6, 11, 12);
        quarter_round(out, 2, 7, 8, 13);
        quarter_round(out, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        out[i] += in[i];
}

/* Mixes fresh words in and turns the state over; hands out a key for one request. */
static void next_key(u32 key[KEY_WORDS])
{
    u32 block[16], fresh[KEY_WORDS] = {0};
    u64 cycles = cpu_cycles();
    irqflags_t flags;

    cpu_random(fresh, sizeof(fresh));
    fresh[0] ^= (u32)cycles;
    fresh[1] ^= (u32)(cycles >> 32);
    flags = spin_lock_irq(&lock);
    for (int i = 0; i < KEY_WORDS; i++)
        state[i] ^= fresh[i];
    chacha_block(state, 0, block);
    memcpy(state, block, sizeof(state));
    spin_unlock_irq(&lock, flags);
    memcpy(key, block + KEY_WORDS, KEY_WORDS * sizeof(u32));
}

void random_bytes(void *buf, size_t n)
{
    u32 key[KEY_WORDS], block[16];
    u8 *out = buf;

    next_key(key);
    for (u64 counter = 1; n; counter++) {
        size_t part = MIN(n, (size_t)BLOCK_BYTES);

        chacha_block(key, counter, block);
        memcpy(out, block, part);
        out += part;
        n -= part;
    }
    memset(key, 0, sizeof(key));
    memset(block, 0, sizeof(block));
    barrier();
}

void random_stir(u64 value)
{
    irqflags_t flags = spin_lock_irq(&lock);

    state[0] = rotate(state[0], 7) ^ (u32)value;
    state[1] ^= rotate(state[1], 11) + (u32)(value >> 32) + (u32)cpu_cycles();
    spin_unlock_irq(&lock, flags);
}

void random_init(void)
{
    u32 ignored[KEY_WORDS];

    random_stir(clock_boot_epoch());
    for (int i = 0; i < 16; i++) {
        random_stir(clock_monotonic_ns());
        next_key(ignored);
    }
}
