/* SPDX-License-Identifier: MIT
 *
 * The keyboard's pure parts: layouts, modifiers, locks, repeat (kernel/term/keys.c), scan codes
 * (arch/x86_64/drivers/input/scancode.c); and every key and byte under all modifiers.
 */
#include "arch/time.h"
#include "arch/x86_64/drivers/input/scancode.h"
#include "kernel/term/keys.h"
#include "kernel/term/layouts.h"
#include "lib/string.h"
#include "tests/host/harness.h"

enum {
    A = 0x04,
    C = 0x06,
    Q = 0x14,
    TWO = 0x1f,
    CAPS = 0x39,
    NUM = 0x53,
    PAD_7 = 0x5f,
    DEL = 0x4c,
    UP = 0x52,
    CTRL = 0xe0,
    SHIFT = 0xe1,
    ALT = 0xe2,
    ALTGR = 0xe6
};

static struct keys keys;

static void start(const char *layout)
{
    CHECK(layout_find(layout) != NULL);
    keys_init(&keys, layout_find(layout));
}

static void expect(struct key_output out, const char *want, size_t n)
{
    CHECK_EQ(out.nbytes, n);
    CHECK(memcmp(out.bytes, want, n) == 0);
}

#define EXPECT(out, want) expect(out, want, sizeof(want) - 1)

static void press(u8 usage)
{
    keys_event(&keys, usage, true);
}

static void release(u8 usage)
{
    EXPECT(keys_event(&keys, usage, false), "");
}

/* A key alone, then let go. */
static struct key_output tap(u8 usage)
{
    struct key_output out = keys_event(&keys, usage, true);

    release(usage);
    return out;
}

/* With one modifier held. */
static struct key_output tap_with(u8 modifier, u8 usage)
{
    struct key_output out;

    press(modifier);
    out = tap(usage);
    release(modifier);
    return out;
}

TEST(keys_modifiers)
{
    start("us");
    EXPECT(tap(A), "a");
    EXPECT(tap_with(SHIFT, A), "A");
    EXPECT(tap_with(0xe5, A), "A");
    EXPECT(tap_with(SHIFT, TWO), "@");
    EXPECT(tap_with(CTRL, C), "\003");
    EXPECT(tap_with(0xe4, C), "\003");
    EXPECT(tap_with(CTRL, 0x2c), "\0");
    EXPECT(tap_with(CTRL, TWO), "\0");
    EXPECT(tap_with(CTRL, 0x2f), "\033");
    EXPECT(tap_with(CTRL, 0x38), "\037");
    EXPECT(tap_with(CTRL, 0x33), ""); /* no control character stands on `;` */
    EXPECT(tap_with(ALT, A), "\033a");
    EXPECT(tap_with(ALTGR, A), "\033a"); /* an Alt key here */
    EXPECT(tap_with(ALT, UP), "\033[A");
    EXPECT(tap_with(SHIFT, 0x2b), "\033[Z");
    EXPECT(tap_with(ALT, 0x28), "\033\r");
    EXPECT(tap(0x2a), "\177");
    EXPECT(tap_with(CTRL, 0x2a), "\010");
    EXPECT(tap(0x48), "");
    EXPECT(tap_with(CTRL, 0x48), "\003");
    EXPECT(tap(0x32), "\\");
    /* Two Shift keys: one let go leaves the other. */
    press(SHIFT);
    press(0xe5);
    release(SHIFT);
    EXPECT(tap(A), "A");
    keys_release_all(&keys);
    EXPECT(tap(A), "a");
}

TEST(keys_locks)
{
    start("us");
    CHECK_EQ(keys.locks, 0);
    EXPECT(tap(PAD_7), "\033[1~");
    EXPECT(tap_with(SHIFT, PAD_7), "7");
    tap(CAPS);
    tap(NUM);
    CHECK_EQ(keys.locks, LOCK_CAPS | LOCK_NUM);
    EXPECT(tap(A), "A");
    EXPECT(tap_with(SHIFT, A), "a");
    EXPECT(tap(TWO), "2");
    EXPECT(tap_with(CTRL, C), "\003");
    EXPECT(tap(PAD_7), "7");
    EXPECT(tap_with(SHIFT, PAD_7), "\033[1~");
    EXPECT(tap(0x54), "/");
    EXPECT(tap(0x58), "\r");
    press(CAPS); /* held: turned over once */
    press(CAPS);
    release(CAPS);
    CHECK_EQ(keys.locks, LOCK_NUM);
    keys_release_all(&keys);
    CHECK_EQ(keys.locks, LOCK_NUM);
}

TEST(keys_layouts)
{
    CHECK(layout_find("") == NULL && layout_find("u") == NULL &&
          layout_find("usx") == NULL);
    start("de");
    EXPECT(tap(0x1d), "y");
    EXPECT(tap(0x34), "\xc3\xa4");
    EXPECT(tap_with(SHIFT, 0x34), "\xc3\x84");
    EXPECT(tap_with(ALTGR, Q), "@");
    EXPECT(tap_with(ALTGR, 0x08), "\xe2\x82\xac");
    EXPECT(tap_with(ALTGR, A), "a"); /* nothing stands there */
    EXPECT(tap_with(ALT, Q), "\033q");
    press(ALTGR);
    EXPECT(tap_with(CTRL, 0x2d), "\034"); /* \ */
    EXPECT(tap_with(SHIFT, Q), "@");
    release(ALTGR);
    tap(CAPS);
    EXPECT(tap(0x34), "\xc3\x84");
    EXPECT(tap(0x2d), "\xc3\x9f"); /* its Shift is no capital */
    start("fr");
    EXPECT(tap(Q), "a");
    EXPECT(tap_with(SHIFT, TWO), "2");
    EXPECT(tap(TWO), "\xc3\xa9");
    EXPECT(tap_with(SHIFT, 0x35), "\xc2\xb2"); /* a key without a second level */
    start("uk");
    EXPECT(tap_with(SHIFT, 0x20), "\xc2\xa3");
    press(ALTGR);
    EXPECT(tap_with(SHIFT, A), "\xc3\x81");
}

/* Every level of every key is there once, has a plain character and no control character. */
TEST(keys_layout_tables)
{
    static const char *const names[] = {"us", "de", "fr", "uk"};

    for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
        const struct layout *l = layout_find(names[n]);
        bool seen[256] = {false};
        bool typed[128] = {false};

        for (size_t i = 0; i < l->nkeys; i++) {
            CHECK(!seen[l->keys[i].usage]);
            seen[l->keys[i].usage] = true;
        }
        for (unsigned usage = 0; usage < 256; usage++) {
            const struct layout_key *key = layout_key(l, (u8)usage);

            for (unsigned i = 0; key && i < LEVELS; i++) {
                CHECK(i || key->level[0]);
                CHECK(!key->level[i] || key->level[i] >= ' ');
                CHECK(l->altgr || i < LEVEL_ALTGR || !key->level[i]);
                if (key->level[i] < 128)
                    typed[key->level[i]] = true;
            }
        }
        for (unsigned c = ' '; c < 127; c++)
            if (!typed[c])
                FAIL("%s cannot type %c", names[n], (int)c);
    }
}

TEST(keys_repeat)
{
    unsigned ticks = 0;

    start("us");
    EXPECT(keys_event(&keys, A, true), "a");
    EXPECT(keys_event(&keys, A, true), ""); /* the hardware's own repeat */
    while (!keys_tick(&keys).nbytes)
        CHECK(++ticks < TICK_HZ);
    CHECK_EQ(ticks + 1, TICK_HZ / 4);
    for (ticks = 1; !keys_tick(&keys).nbytes; ticks++)
        CHECK(ticks < TICK_HZ);
    CHECK_EQ(ticks, TICK_HZ / 30);
    /* Only the last key repeats; letting another go does not stop it, its own end does. */
    press(C);
    release(A);
    for (ticks = 0; ticks < TICK_HZ; ticks++) {
        struct key_output out = keys_tick(&keys);

        CHECK(!out.nbytes || out.bytes[0] == 'c');
    }
    CHECK_EQ(keys.repeating, C);
    release(C);
    CHECK_EQ(keys.repeating, 0);
    /* Ctrl let go before C: no `ccc`. */
    press(CTRL);
    press(C);
    CHECK_EQ(keys.repeating, C);
    release(CTRL);
    for (ticks = 0; ticks < TICK_HZ; ticks++)
        EXPECT(keys_tick(&keys), "");
    /* Locks and modifiers do not. */
    press(CAPS);
    CHECK_EQ(keys.repeating, 0);
    press(C);
    keys_release_all(&keys);
    for (ticks = 0; ticks < TICK_HZ; ticks++)
        EXPECT(keys_tick(&keys), "");
}

TEST(keys_restart)
{
    start("us");
    CHECK(!tap(DEL).restart);
    CHECK(!tap_with(CTRL, DEL).restart);
    press(CTRL);
    CHECK(!tap(DEL).restart);
    press(ALT);
    CHECK(tap(DEL).restart);
    CHECK(tap(0x63).restart);
    CHECK(!tap(A).restart);
}

/* All keys under all modifiers and locks, in every layout: nothing is written past the
 * output, each key alone gives the same again afterwards. */
TEST(keys_all)
{
    static const char *const names[] = {"us", "de", "fr", "uk"};

    for (unsigned round = 0; round < 4 * 256 * 4; round++) {
        start(names[round >> 10]);
        keys.locks = round >> 8 & 3;
        for (unsigned i = 0; i < 8; i++)
            if (round >> i & 1)
                press((u8)(CTRL + i));
        for (unsigned usage = 0; usage < 256; usage++) {
            struct keys before = keys;
            struct key_output out = tap((u8)usage), none = {0};

            CHECK(out.nbytes <= KEY_BYTES);
            CHECK(usage >= 4 || memcmp(&out, &none, sizeof(out)) == 0);
            CHECK(usage >= 0xe0 ||
                  memcmp(before.down, keys.down, sizeof(keys.down)) == 0);
        }
    }
}

TEST(keys_random)
{
    unsigned typed = 0;

    start("de");
    for (unsigned i = 0; i < 200000; i++) {
        u64 r = test_rand();
        struct key_output out =
            r & 1 ? keys_event(&keys, (u8)(r >> 8), r & 2) : keys_tick(&keys);

        CHECK(out.nbytes <= KEY_BYTES);
        typed += out.nbytes;
    }
    CHECK(typed > 1000);
}

/* ---- scan codes ---- */

/* The key a sequence stands for, with bit 8 set for a press; -1: none at its last byte. */
static int decode(struct scancode *s, const char *bytes, size_t n)
{
    int key = -1;

    for (size_t i = 0; i < n; i++) {
        u8 usage = 0;
        bool down = false;

        key = scancode_next(s, (u8)bytes[i], &usage, &down) ? usage | down << 8 : -1;
    }
    return key;
}

#define DECODE(bytes) decode(&s, bytes, sizeof(bytes) - 1)

TEST(scancode_sequences)
{
    struct scancode s = {0};

    CHECK_EQ(DECODE("\x1e"), A | 0x100);
    CHECK_EQ(DECODE("\x9e"), A);
    CHECK_EQ(DECODE("\xe0\x48"), UP | 0x100);
    CHECK_EQ(DECODE("\xe0\xc8"), UP);
    CHECK_EQ(DECODE("\x48"), 0x60 | 0x100); /* keypad 8 */
    CHECK_EQ(DECODE("\xe0\x38"), ALTGR | 0x100);
    CHECK_EQ(DECODE("\xe0\x2a"), -1); /* fake shifts */
    CHECK_EQ(DECODE("\xe0\xb6"), -1);
    CHECK_EQ(DECODE("\xaa"), SHIFT);
    CHECK_EQ(DECODE("\xe1"), 0x48 | 0x100);
    CHECK_EQ(DECODE("\x1d\x45\xe1\x9d\xc5"), -1);
    CHECK_EQ(DECODE("\x10"), Q | 0x100);
    CHECK_EQ(DECODE("\x7f"), -1);
    CHECK_EQ(DECODE("\xe0\xe0\x53"), DEL | 0x100);
    CHECK_EQ(DECODE("\xe0\x10"), -1); /* a multimedia key */
}

/* Each key of a PC has one code, and a code that is pressed can be released. */
TEST(scancode_all)
{
    bool seen[256] = {false};
    unsigned nkeys = 0;

    for (unsigned i = 0; i < 256; i++) {
        struct scancode s = {.prefix = i & 0x80 ? 0xe0 : 0};
        struct scancode again = s;
        u8 code = i & 0x7f, usage, other;
        bool down;

        if (code >= 0x60 || !scancode_next(&s, code, &usage, &down))
            continue;
        CHECK(down);
        CHECK(scancode_next(&again, code | 0x80, &other, &down) && !down &&
              other == usage);
        CHECK(usage >= 4 && (usage == 0x46 || !seen[usage])); /* Alt-Print has its own */
        seen[usage] = true;
        nkeys++;
    }
    for (unsigned usage = A; usage <= 0x65; usage++)
        CHECK(seen[usage] || usage == 0x32);
    for (unsigned usage = CTRL; usage <= 0xe7; usage++)
        CHECK(seen[usage]);
    CHECK(nkeys >= 104);
}
