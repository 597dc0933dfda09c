/* SPDX-License-Identifier: MIT
 *
 * Keyboard layouts as data: what stands on the keys of the ISO and ANSI keyboards sold in
 * a country. Accents that wait for a letter on some of them (dead keys) are plain characters
 * here. Usages: HID usage tables 1.12, section 10.
 */
#include "kernel/term/layouts.h"
#include "kernel/term/keys.h"
#include "lib/string.h"

/* clang-format off */

#define LETTER(usage, c) {usage, {c, c - 0x20, 0, 0}}

static const struct layout_key us_keys[] = {
    LETTER(0x04, 'a'), LETTER(0x05, 'b'), LETTER(0x06, 'c'), LETTER(0x07, 'd'),
    LETTER(0x08, 'e'), LETTER(0x09, 'f'), LETTER(0x0a, 'g'), LETTER(0x0b, 'h'),
    LETTER(0x0c, 'i'), LETTER(0x0d, 'j'), LETTER(0x0e, 'k'), LETTER(0x0f, 'l'),
    LETTER(0x10, 'm'), LETTER(0x11, 'n'), LETTER(0x12, 'o'), LETTER(0x13, 'p'),
    LETTER(0x14, 'q'), LETTER(0x15, 'r'), LETTER(0x16, 's'), LETTER(0x17, 't'),
    LETTER(0x18, 'u'), LETTER(0x19, 'v'), LETTER(0x1a, 'w'), LETTER(0x1b, 'x'),
    LETTER(0x1c, 'y'), LETTER(0x1d, 'z'),
    {0x1e, {'1', '!'}}, {0x1f, {'2', '@'}}, {0x20, {'3', '#'}}, {0x21, {'4', '$'}},
    {0x22, {'5', '%'}}, {0x23, {'6', '^'}}, {0x24, {'7', '&'}}, {0x25, {'8', '*'}},
    {0x26, {'9', '('}}, {0x27, {'0', ')'}}, {0x2c, {' ', ' '}}, {0x2d, {'-', '_'}},
    {0x2e, {'=', '+'}}, {0x2f, {'[', '{'}}, {0x30, {']', '}'}}, {0x31, {'\\', '|'}},
    {0x33, {';', ':'}}, {0x34, {'\'', '"'}}, {0x35, {'`', '~'}}, {0x36, {',', '<'}},
    {0x37, {'.', '>'}}, {0x38, {'/', '?'}}, {0x64, {'<', '>'}},
};

static const struct layout_key de_keys[] = {
    {0x08, {'e', 'E', 0x20ac}}, {0x10, {'m', 'M', 0xb5}}, {0x14, {'q', 'Q', '@'}},
    LETTER(0x1c, 'z'), LETTER(0x1d, 'y'),
    {0x1f, {'2', '"', 0xb2}}, {0x20, {'3', 0xa7, 0xb3}}, {0x21, {'4', '$'}},
    {0x23, {'6', '&'}}, {0x24, {'7', '/', '{'}}, {0x25, {'8', '(', '['}},
    {0x26, {'9', ')', ']'}}, {0x27, {'0', '=', '}'}}, {0x2d, {0xdf, '?', '\\'}},
    {0x2e, {0xb4, '`'}}, LETTER(0x2f, 0xfc), {0x30, {'+', '*', '~'}},
    {0x31, {'#', '\''}}, LETTER(0x33, 0xf6), LETTER(0x34, 0xe4), {0x35, {'^', 0xb0}},
    {0x36, {',', ';'}}, {0x37, {'.', ':'}}, {0x38, {'-', '_'}}, {0x64, {'<', '>', '|'}},
};

static const struct layout_key fr_keys[] = {
    LETTER(0x04, 'q'), {0x08, {'e', 'E', 0x20ac}}, {0x10, {',', '?'}}, LETTER(0x14, 'a'),
    LETTER(0x1a, 'z'), LETTER(0x1d, 'w'),
    {0x1e, {'&', '1'}}, {0x1f, {0xe9, '2', '~'}}, {0x20, {'"', '3', '#'}},
    {0x21, {'\'', '4', '{'}}, {0x22, {'(', '5', '['}}, {0x23, {'-', '6', '|'}},
    {0x24, {0xe8, '7', '`'}}, {0x25, {'_', '8', '\\'}}, {0x26, {0xe7, '9', '^'}},
    {0x27, {0xe0, '0', '@'}}, {0x2d, {')', 0xb0, ']'}}, {0x2e, {'=', '+', '}'}},
    {0x2f, {'^', 0xa8}}, {0x30, {'$', 0xa3, 0xa4}}, {0x31, {'*', 0xb5}},
    LETTER(0x33, 'm'), {0x34, {0xf9, '%'}}, {0x35, {0xb2}}, {0x36, {';', '.'}},
    {0x37, {':', '/'}}, {0x38, {'!', 0xa7}}, {0x64, {'<', '>'}},
};

static const struct layout_key uk_keys[] = {
    {0x04, {'a', 'A', 0xe1, 0xc1}}, {0x08, {'e', 'E', 0xe9, 0xc9}},
    {0x0c, {'i', 'I', 0xed, 0xcd}}, {0x12, {'o', 'O', 0xf3, 0xd3}},
    {0x18, {'u', 'U', 0xfa, 0xda}}, {0x1f, {'2', '"'}}, {0x20, {'3', 0xa3}},
    {0x21, {'4', '$', 0x20ac}}, {0x31, {'#', '~'}}, {0x34, {'\'', '@'}},
    {0x35, {'`', 0xac, 0xa6}}, {0x64, {'\\', '|'}},
};

#define LAYOUT(name, altgr) {#name, altgr, name##_keys, ARRAY_SIZE(name##_keys)}

static const struct layout layouts[] = {
    LAYOUT(us, false), LAYOUT(de, true), LAYOUT(fr, true), LAYOUT(uk, true),
};

/* clang-format on */

const struct layout *layout_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
        if (!strcmp(layouts[i].name, name))
            return &layouts[i];
    }
    return NULL;
}

static const struct layout_key *find(const struct layout *l, u8 usage)
{
    for (size_t i = 0; i < l->nkeys; i++) {
        if (l->keys[i].usage == usage)
            return &l->keys[i];
    }
    return NULL;
}

const struct layout_key *layout_key(const struct layout *l, u8 usage)
{
    const struct layout_key *key;

    if (usage == 0x32) /* the same key's other name, on ISO keyboards */
        usage = 0x31;
    key = find(l, usage);
    return key ? key : find(&layouts[0], usage);
}
