/* SPDX-License-Identifier: MIT
 *
 * Byte 0 holds the modifiers, byte 1 is reserved, bytes 2 to 7 the keys in no order.
 */
#include "arch/x86_64/drivers/usb/report.h"

#include "lib/string.h"

#define MODIFIER_FIRST 0xe0u
#define KEY_FIRST      0x04u /* below: 0 no key, 1 to 3 errors */
#define SHORTEST       3u

static bool holds(const u8 *keys, u8 usage)
{
    return memchr(keys, usage, REPORT_KEYS) != NULL;
}

/* The keys of a report, each once; false when the device lost count. */
static bool read_keys(const u8 *report, size_t n, u8 *keys)
{
    size_t found = 0;

    memset(keys, 0, REPORT_KEYS);
    for (size_t i = 2; i < MIN(n, (size_t)REPORT_BYTES); i++) {
        u8 usage = report[i];

        if (usage > 0 && usage < KEY_FIRST)
            return false;
        if (usage && usage < MODIFIER_FIRST && !holds(keys, usage))
            keys[found++] = usage;
    }
    return true;
}

static void decode_modifiers(u8 before, u8 now, bool down,
                             void (*key)(u8 usage, bool down))
{
    u8 changed = down ? now & ~before : before & ~now;

    for (u32 i = 0; i < 8; i++)
        if (changed >> i & 1)
            key((u8)(MODIFIER_FIRST + i), down);
}

/* Keys of `a` that are not in `b`. */
static void decode_keys(const u8 *a, const u8 *b, bool down,
                        void (*key)(u8 usage, bool down))
{
    for (u32 i = 0; i < REPORT_KEYS; i++)
        if (a[i] && !holds(b, a[i]))
            key(a[i], down);
}

void report_decode(struct report_state *held, const u8 *report, size_t n,
                   void (*key)(u8 usage, bool down))
{
    struct report_state before = *held;

    if (n < SHORTEST)
        return;
    held->modifiers = report[0];
    if (!read_keys(report, n, held->keys))
        memcpy(held->keys, before.keys, REPORT_KEYS);
    decode_keys(before.keys, held->keys, false, key);
    decode_modifiers(before.modifiers, held->modifiers, false, key);
    /* A modifier that goes down together with a key is meant for it. */
    decode_modifiers(before.modifiers, held->modifiers, true, key);
    decode_keys(held->keys, before.keys, true, key);
}
