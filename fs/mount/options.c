/* SPDX-License-Identifier: MIT
 *
 * The texts of mount options.
 */
#include "fs/mount/options.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"

#define PERCENT_MOST 100000u /* more than all is allowed, as on Linux */

bool option_next(char **text, char **key, char **value)
{
    char *end, *at = *text;

    while (*at == ',')
        at++;
    if (!*at)
        return false;
    *key = at;
    end = strchr(at, ',');
    if (end)
        *end++ = '\0';
    *text = end ? end : at + strlen(at);
    *value = strchr(*key, '=');
    if (*value)
        *(*value)++ = '\0';
    return true;
}

/* The digit's value, or what is none of any base. */
static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Digits from *s on; -EINVAL: none, or too large. */
static int digits(const char **s, unsigned base, u64 *out)
{
    const char *start = *s;
    u64 value = 0;

    for (; digit(**s) < base; ++*s)
        if (__builtin_mul_overflow(value, (u64)base, &value) ||
            __builtin_add_overflow(value, (u64)digit(**s), &value))
            return -EINVAL;
    *out = value;
    return *s == start ? -EINVAL : 0;
}

int option_number(const char *value, unsigned base, u64 *out)
{
    if (!value || digits(&value, base, out) != 0 || *value)
        return -EINVAL;
    return 0;
}

int option_size(const char *value, u64 whole, u64 *out)
{
    static const char units[] = "kKmMgGtTpPeE";
    const char *unit;
    bool hex = value && value[0] == '0' && (value[1] | 0x20) == 'x';
    u64 n;

    if (!value)
        return -EINVAL;
    if (hex)
        value += 2;
    if (digits(&value, hex ? 16 : value[0] == '0' ? 8 : 10, &n) != 0)
        return -EINVAL;
    if (*value == '%') {
        if (value[1] || n > PERCENT_MOST)
            return -EINVAL;
        *out = whole / 100 * n + whole % 100 * n / 100;
        return 0;
    }
    unit = *value ? strchr(units, *value) : NULL;
    if (unit) {
        unsigned shift = 10 * (unsigned)((unit - units) / 2 + 1);

        if (n > ~0ull >> shift)
            return -EINVAL;
        n <<= shift;
        value++;
    }
    *out = n;
    return *value ? -EINVAL : 0;
}

int root_option(struct root_options *r, const char *key, const char *value)
{
    bool mode = strcmp(key, "mode") == 0;
    u64 *to = mode                      ? &r->mode
              : strcmp(key, "uid") == 0 ? &r->uid
              : strcmp(key, "gid") == 0 ? &r->gid
                                        : NULL;
    u64 number;

    if (!to)
        return 0;
    if (option_number(value, mode ? 8 : 10, &number) != 0 || number >= ~0u)
        return -EINVAL;
    *to = mode ? number & 07777 : number;
    return 1;
}

void root_options_apply(const struct root_options *r, struct super *s)
{
    struct inode *root = s->root->inode;

    if (r->mode != ~0ull)
        root->mode = (root->mode & S_IFMT) | (u32)r->mode;
    if (r->uid != ~0ull)
        root->uid = (u32)r->uid;
    if (r->gid != ~0ull)
        root->gid = (u32)r->gid;
    s->first_mode = root->mode & 07777;
    s->first_uid = root->uid;
    s->first_gid = root->gid;
}

int root_options_show(const struct super *s, char *buf, size_t size)
{
    int n = 0;

    *buf = '\0';
    if (s->first_mode != s->type->root_mode)
        n = fmt_snprintf(buf, size, ",mode=%03o", s->first_mode);
    if (s->first_uid)
        n += fmt_snprintf(buf + n, size - (size_t)n, ",uid=%u", s->first_uid);
    if (s->first_gid)
        n += fmt_snprintf(buf + n, size - (size_t)n, ",gid=%u", s->first_gid);
    return n;
}
