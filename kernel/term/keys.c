/* SPDX-License-Identifier: MIT
 *
 * From keys to bytes, see kernel/term/keys.h. Named keys send what the terminal type `linux` of
 * terminfo says; control characters follow the VT220 (Ctrl-2 is NUL, Ctrl-3 to Ctrl-7 are
 * ESC to US, Ctrl-/ is US).
 */
#include "kernel/term/keys.h"

#include "arch/time.h"
#include "kernel/term/layouts.h"
#include "lib/string.h"

#define REPEAT_DELAY  (TICK_HZ / 4)
#define REPEAT_PERIOD (TICK_HZ / 30)

enum usage {
    ENTER = 0x28,
    BACKSPACE = 0x2a,
    TAB = 0x2b,
    CAPS_LOCK = 0x39,
    PAUSE = 0x48,
    DELETE = 0x4c,
    NUM_LOCK = 0x53,
    PAD_SLASH = 0x54,
    PAD_1 = 0x59,
    PAD_DOT = 0x63,
    PAD_EQUAL = 0x67,
    FIRST_MODIFIER = 0xe0,
    LEFT_CTRL = 0xe0,
    LEFT_SHIFT = 0xe1,
    LEFT_ALT = 0xe2,
    RIGHT_CTRL = 0xe4,
    RIGHT_SHIFT = 0xe5,
    RIGHT_ALT = 0xe6,
    LAST_MODIFIER = 0xe7,
};

#define FIRST_KEY 4 /* below: reports of errors, no keys */

struct named_key {
    u8 usage;
    char sends[6];
};

static const struct named_key named_keys[] = {
    {0x29, "\033"},     {0x3a, "\033[[A"},  {0x3b, "\033[[B"},  {0x3c, "\033[[C"},
    {0x3d, "\033[[D"},  {0x3e, "\033[[E"},  {0x3f, "\033[17~"}, {0x40, "\033[18~"},
    {0x41, "\033[19~"}, {0x42, "\033[20~"}, {0x43, "\033[21~"}, {0x44, "\033[23~"},
    {0x45, "\033[24~"}, {0x49, "\033[2~"},  {0x4a, "\033[1~"},  {0x4b, "\033[5~"},
    {0x4c, "\033[3~"},  {0x4d, "\033[4~"},  {0x4e, "\033[6~"},  {0x4f, "\033[C"},
    {0x50, "\033[D"},   {0x51, "\033[B"},   {0x52, "\033[A"},   {0x5d, "\033[G"},
};

/* What the keypad's keys 1 to 9, 0 and the dot are without Num Lock; 0x5d: the five. */
static const u8 pad_names[] = {0x4d, 0x51, 0x4e, 0x50, 0x5d, 0x4f,
                               0x4a, 0x52, 0x4b, 0x49, 0x4c};

static bool is_down(const struct keys *k, u8 usage)
{
    return k->down[usage / 32] >> usage % 32 & 1;
}

static bool shifted(const struct keys *k)
{
    return is_down(k, LEFT_SHIFT) || is_down(k, RIGHT_SHIFT);
}

static bool with_ctrl(const struct keys *k)
{
    return is_down(k, LEFT_CTRL) || is_down(k, RIGHT_CTRL);
}

static bool with_alt(const struct keys *k)
{
    return is_down(k, LEFT_ALT) || (!k->layout->altgr && is_down(k, RIGHT_ALT));
}

static void put(struct key_output *out, u8 byte)
{
    if (out->nbytes < KEY_BYTES)
        out->bytes[out->nbytes++] = byte;
}

static void put_utf8(struct key_output *out, u16 c)
{
    if (c < 0x80) {
        put(out, (u8)c);
        return;
    }
    if (c < 0x800) {
        put(out, (u8)(0xc0 | c >> 6));
    } else {
        put(out, (u8)(0xe0 | c >> 12));
        put(out, (u8)(0x80 | (c >> 6 & 0x3f)));
    }
    put(out, (u8)(0x80 | (c & 0x3f)));
}

/* The character with Ctrl held, -1: there is none. */
static int control(u16 c)
{
    static const u8 digits[] = {0x00, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x7f}; /* 2 to 8 */

    if ((c >= '@' && c <= '_') || (c >= 'a' && c <= 'z'))
        return c & 0x1f;
    if (c >= '2' && c <= '8')
        return digits[c - '2'];
    if (c == ' ')
        return 0;
    if (c == '?')
        return 0x7f;
    return c == '/' ? 0x1f : -1;
}

static bool is_pair(u16 lower, u16 upper)
{
    bool letter = (lower >= 'a' && lower <= 'z') ||
                  (lower >= 0xe0 && lower <= 0xfe && lower != 0xf7);

    return letter && upper == lower - 0x20;
}

/* The character the held modifiers and Caps Lock choose; a level without one falls back. */
static u16 pick(const struct keys *k, const u16 *level)
{
    bool altgr = k->layout->altgr && is_down(k, RIGHT_ALT) && level[LEVEL_ALTGR];
    const u16 *pair = level + (altgr ? LEVEL_ALTGR : 0);
    bool shift = shifted(k);

    if (k->locks & LOCK_CAPS && is_pair(pair[0], pair[LEVEL_SHIFT]))
        shift = !shift;
    return shift && pair[LEVEL_SHIFT] ? pair[LEVEL_SHIFT] : pair[0];
}

static void press_character(const struct keys *k, const u16 *level,
                            struct key_output *out)
{
    u16 c = pick(k, level);
    int byte = with_ctrl(k) ? control(c) : c;

    if (byte < 0)
        return;
    if (with_alt(k))
        put(out, 0x1b);
    put_utf8(out, (u16)byte);
}

static void press_named(u8 usage, struct key_output *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(named_keys); i++) {
        if (named_keys[i].usage != usage)
            continue;
        for (const char *s = named_keys[i].sends; *s; s++)
            put(out, (u8)*s);
    }
}

static void press_pad(const struct keys *k, u8 usage, struct key_output *out)
{
    static const char marks[] = "/*-+\r1234567890.";

    if (usage >= PAD_1 && shifted(k) == !!(k->locks & LOCK_NUM)) {
        press_named(pad_names[usage - PAD_1], out);
        return;
    }
    if (with_alt(k))
        put(out, 0x1b);
    put(out, (u8)marks[usage - PAD_SLASH]);
}

static void press_special(const struct keys *k, u8 usage, struct key_output *out)
{
    u8 byte = '\t';

    if (usage == PAUSE) {
        if (with_ctrl(k)) /* Break */
            put(out, 0x03);
        return;
    }
    if (usage == TAB && shifted(k)) {
        memcpy(out->bytes, "\033[Z", 3);
        out->nbytes = 3;
        return;
    }
    if (usage == ENTER)
        byte = '\r';
    else if (usage == BACKSPACE)
        byte = with_ctrl(k) ? 0x08 : 0x7f;
    else if (usage == PAD_EQUAL)
        byte = '=';
    if (with_alt(k))
        put(out, 0x1b);
    put(out, byte);
}

static struct key_output press(const struct keys *k, u8 usage)
{
    const struct layout_key *key = layout_key(k->layout, usage);
    struct key_output out = {0};

    if ((usage == DELETE || usage == PAD_DOT) && with_ctrl(k) &&
        (is_down(k, LEFT_ALT) || is_down(k, RIGHT_ALT)))
        out.restart = true;
    else if (key)
        press_character(k, key->level, &out);
    else if (usage >= PAD_SLASH && usage <= PAD_DOT)
        press_pad(k, usage, &out);
    else if (usage == ENTER || usage == BACKSPACE || usage == TAB || usage == PAUSE ||
             usage == PAD_EQUAL)
        press_special(k, usage, &out);
    else
        press_named(usage, &out);
    return out;
}

void keys_init(struct keys *k, const struct layout *l)
{
    memset(k, 0, sizeof(*k));
    k->layout = l;
}

struct key_output keys_event(struct keys *k, u8 usage, bool down)
{
    u32 bit = 1u << usage % 32;
    struct key_output out = {0};

    if (usage < FIRST_KEY || down == is_down(k, usage))
        return out;
    k->down[usage / 32] ^= bit;
    /* A change of modifiers ends a repeat: Ctrl-C held must not go on as letters. */
    if (down || usage == k->repeating ||
        (usage >= FIRST_MODIFIER && usage <= LAST_MODIFIER))
        k->repeating = 0;
    if (!down)
        return out;
    if (usage == CAPS_LOCK || usage == NUM_LOCK) {
        k->locks ^= usage == CAPS_LOCK ? LOCK_CAPS : LOCK_NUM;
        return out;
    }
    out = press(k, usage);
    if (out.nbytes) {
        k->repeating = usage;
        k->wait = REPEAT_DELAY;
    }
    return out;
}

struct key_output keys_tick(struct keys *k)
{
    struct key_output none = {0};

    if (!k->repeating || --k->wait)
        return none;
    k->wait = REPEAT_PERIOD;
    return press(k, k->repeating);
}

void keys_release_all(struct keys *k)
{
    memset(k->down, 0, sizeof(k->down));
    k->repeating = 0;
}
