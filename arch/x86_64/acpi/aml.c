/* SPDX-License-Identifier: MIT
 *
 * The one thing of AML that switching a machine off needs: the sleep types of state S5. They
 * stand as plain numbers in a package, so its bytes are recognised without running anything
 * (ACPI 6.4, 20.2.5: DefName, DefPackage; 7.4.2: what the numbers are).
 */
#include "arch/x86_64/acpi/aml.h"
#include "arch/x86_64/acpi/parse.h"
#include "lib/string.h"

enum {
    OP_ZERO = 0x00,
    OP_ONE = 0x01,
    OP_NAME = 0x08,
    OP_BYTE = 0x0a,
    OP_WORD = 0x0b,
    OP_DWORD = 0x0c,
    OP_PACKAGE = 0x12,
    ROOT_CHAR = '\\',
};

#define SLEEP_TYPE_MAX 7u

struct bytes {
    const u8 *p;
    size_t left;
};

static bool take(struct bytes *b, u8 *out)
{
    if (b->left == 0)
        return false;
    *out = *b->p++;
    b->left--;
    return true;
}

/* One to four bytes; the two top bits of the first say how many follow. */
static bool take_package_length(struct bytes *b, size_t *out)
{
    size_t start = b->left, len;
    u8 first, next;

    if (!take(b, &first))
        return false;
    len = first >> 6 ? first & 0x0f : first & 0x3f;
    for (u32 i = 0; i < (u32)first >> 6; i++) {
        if (!take(b, &next))
            return false;
        len |= (size_t)next << (4 + 8 * i);
    }
    if (len < start - b->left) /* it counts its own bytes */
        return false;
    *out = len - (start - b->left);
    return true;
}

static bool take_number(struct bytes *b, u32 *out)
{
    u32 nbytes;
    u8 op, byte;

    if (!take(b, &op))
        return false;
    *out = 0;
    switch (op) {
    case OP_ZERO:
        return true;
    case OP_ONE:
        *out = 1;
        return true;
    case OP_BYTE:
        nbytes = 1;
        break;
    case OP_WORD:
        nbytes = 2;
        break;
    case OP_DWORD:
        nbytes = 4;
        break;
    default:
        return false;
    }
    for (u32 i = 0; i < nbytes; i++) {
        if (!take(b, &byte))
            return false;
        *out |= (u32)byte << (8 * i);
    }
    return true;
}

/* b: behind the name. */
static bool read_package(struct bytes b, u8 *out_a, u8 *out_b)
{
    u32 first, second;
    size_t len;
    u8 op, count;

    if (!take(&b, &op) || op != OP_PACKAGE || !take_package_length(&b, &len) ||
        len > b.left)
        return false;
    b.left = len;
    if (!take(&b, &count) || count == 0 || !take_number(&b, &first))
        return false;
    if (count == 1) { /* both in one number */
        second = first >> 8 & 0xff;
        first &= 0xff;
    } else if (!take_number(&b, &second)) {
        return false;
    }
    if (first > SLEEP_TYPE_MAX || second > SLEEP_TYPE_MAX)
        return false;
    *out_a = (u8)first;
    *out_b = (u8)second;
    return true;
}

bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b)
{
    for (size_t i = 1; i + 4 <= n; i++) {
        bool named;

        if (aml[i] != '_' || memcmp(aml + i, "_S5_", 4) != 0)
            continue;
        named = aml[i - 1] == OP_NAME ||
                (i >= 2 && aml[i - 1] == ROOT_CHAR && aml[i - 2] == OP_NAME);
        if (named && read_package((struct bytes){aml + i + 4, n - i - 4}, a, b))
            return true;
    }
    return false;
}
