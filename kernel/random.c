/* SPDX-License-Identifier: MIT
 *
 * One generator: ChaCha20 (RFC 8439, 2.3) with fast key erasure. Each request takes a key of
 * its own from the state and replaces the state by the next one, so what was given out can
 * not be computed from what remains. The state is seeded and stirred with the CPU's random
 * instruction, the cycle counter and the moments of input.
 */
#include "kernel/random.h"

#include "arch/chacha.h"
#include "arch/cpu.h"
#include "arch/cpuid.h"
#include "arch/time.h"
#include "fs/uio.h"
#include "lib/pause.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/waitq.h"

static spinlock_t lock;
static u32 state[CHACHA_KEY_WORDS];

static inline u32 rotate(u32 x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* Mixes fresh words in and turns the state over; hands out a key for one request. */
static void next_key(u32 key[CHACHA_KEY_WORDS])
{
    u32 block[16], fresh[CHACHA_KEY_WORDS] = {0};
    u64 cycles = cpu_cycles();
    irqflags_t flags;

    cpu_random(fresh, sizeof(fresh));
    fresh[0] ^= (u32)cycles;
    fresh[1] ^= (u32)(cycles >> 32);
    flags = spin_lock_irq(&lock);
    for (int i = 0; i < CHACHA_KEY_WORDS; i++)
        state[i] ^= fresh[i];
    arch_chacha_blocks(state, 0, block, 1);
    memcpy(state, block, sizeof(state));
    spin_unlock_irq(&lock, flags);
    memcpy(key, block + CHACHA_KEY_WORDS, CHACHA_KEY_WORDS * sizeof(u32));
}

/* The key of one stream of bytes, and how far it is used up. */
struct stream {
    u32 key[CHACHA_KEY_WORDS];
    u64 counter;
};

static void stream_fill(struct stream *s, void *buf, size_t n)
{
    size_t whole = n / CHACHA_BLOCK;
    u32 block[16];
    u8 *out = buf;

    if (whole)
        arch_chacha_blocks(s->key, s->counter, out, whole);
    s->counter += whole;
    out += whole * CHACHA_BLOCK;
    n -= whole * CHACHA_BLOCK;
    if (n) {
        arch_chacha_blocks(s->key, s->counter++, block, 1);
        memcpy(out, block, n);
        memset(block, 0, sizeof(block));
        barrier();
    }
}

static void stream_end(struct stream *s)
{
    memset(s, 0, sizeof(*s));
    barrier();
}

void random_bytes(void *buf, size_t n)
{
    struct stream s = {.counter = 1};

    next_key(s.key);
    stream_fill(&s, buf, n);
    stream_end(&s);
}

ssize_t random_to_uio(struct uio *u)
{
    u8 bytes[RANDOM_AT_ONCE] __attribute__((aligned(16)));
    struct stream s = {.counter = 1};
    ssize_t done = 0;

    next_key(s.key);
    while (u->left) {
        size_t part = MIN(u->left, sizeof(bytes)), n;

        stream_fill(&s, bytes, part);
        n = uio_copy_to(u, bytes, part);
        done += (ssize_t)n;
        if (n < part) {
            done = done ? done : -EFAULT;
            break;
        }
        (void)pause_point();
        if (u->left && thread_interrupted())
            break;
    }
    stream_end(&s);
    memset(bytes, 0, sizeof(bytes));
    barrier();
    return done;
}

/* A cheap hash makes a key's size of the bytes, the block function makes the next state of it:
 * one who knows what is stirred in knows no more of the state than before. */
void random_stir_bytes(const void *bytes, size_t n)
{
    u64 lane[CHACHA_KEY_WORDS / 2] = {0}, word;
    u32 words[CHACHA_KEY_WORDS], block[16];
    irqflags_t flags;

    for (size_t at = 0; at < n; at += sizeof(word)) {
        u64 *l = &lane[at / sizeof(word) % ARRAY_SIZE(lane)];

        word = 0;
        memcpy(&word, (const u8 *)bytes + at, MIN(n - at, sizeof(word)));
        *l = ((*l << 29 | *l >> 35) ^ word) * 0x9e3779b97f4a7c15ull;
    }
    memcpy(words, lane, sizeof(words));
    flags = spin_lock_irq(&lock);
    for (int i = 0; i < CHACHA_KEY_WORDS; i++)
        state[i] ^= words[i];
    arch_chacha_blocks(state, 0, block, 1);
    memcpy(state, block, sizeof(state));
    spin_unlock_irq(&lock, flags);
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
    u32 ignored[CHACHA_KEY_WORDS];

    random_stir(clock_boot_epoch());
    for (int i = 0; i < 16; i++) {
        random_stir(clock_monotonic_ns());
        next_key(ignored);
    }
}
