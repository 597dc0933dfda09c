/* SPDX-License-Identifier: MIT
 *
 * The formatter behind printk and the files of procfs. One pass, no allocation; text beyond
 * the buffer is counted but not stored.
 */
#include "lib/fmt.h"
#include "lib/string.h"

struct out {
    char *buf;
    size_t size, len;
};

struct spec {
    bool left, zero, alt, upper;
    char sign; /* 0, '+' or ' ' */
    int width, precision;
    int bytes; /* size of an integer argument */
};

/* As short as it can be written. */
static bool is_plain(const struct spec *s)
{
    return !s->width && s->precision < 0;
}

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

#define BLOCK_SHORT 6u /* a call costs more */

static void put_block(struct out *o, const char *text, size_t n)
{
    size_t room = o->len + 1 < o->size ? o->size - 1 - o->len : 0, fits = MIN(n, room);
    char *to = o->buf + o->len;

    o->len += n;
    if (fits > BLOCK_SHORT)
        memcpy(to, text, fits);
    else
        while (fits--)
            *to++ = *text++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text)
{
    int n = 0;

    if (!text)
        text = "(null)";
    while ((s->precision < 0 || n < s->precision) && text[n])
        n++;
    if (!s->left)
        pad(o, ' ', s->width - n);
    put_block(o, text, (size_t)n);
    if (s->left)
        pad(o, ' ', s->width - n);
}

/* The digits of value below `end`: where they begin. */
static always_inline char *digits_of(char *end, u64 value, unsigned base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned bits = base == 16 ? 4 : 3;

    for (; base != 10 && value; value >>= bits)
        *--end = digits[value & (base - 1)];
    for (; value >= 10; value /= 100) { /* two at a time */
        unsigned two = (unsigned)(value % 100);

        *--end = (char)('0' + two % 10);
        *--end = (char)('0' + two / 10);
    }
    if (value)
        *--end = (char)('0' + value);
    return end;
}

static void put_number(struct out *o, const struct spec *s, u64 value, unsigned base,
                       const char *prefix)
{
    char text[24], *end = text + sizeof(text);
    char *first = digits_of(end, value, base, s->upper);
    int n, zeros, plen = (int)strlen(prefix);

    if (first == end && s->precision != 0)
        *--first = '0';
    n = (int)(end - first);
    zeros = s->precision > n ? s->precision - n : 0;
    if (base == 8 && s->alt && zeros == 0 && (n == 0 || *first != '0'))
        zeros = 1;
    if (s->zero && !s->left && s->precision < 0 && s->width > plen + n + zeros)
        zeros = s->width - plen - n;
    if (!s->left)
        pad(o, ' ', s->width - plen - zeros - n);
    put_block(o, prefix, (size_t)plen);
    pad(o, '0', zeros);
    put_block(o, first, (size_t)n);
    if (s->left)
        pad(o, ' ', s->width - plen - zeros - n);
}

/* Decimal, as most numbers are wanted. */
static noinline void put_plain(struct out *o, u64 value)
{
    char text[24], *end = text + sizeof(text), *first = digits_of(end, value, 10, false);

    if (first == end)
        *--first = '0';
    put_block(o, first, (size_t)(end - first));
}

static void put_signed(struct out *o, const struct spec *s, s64 value)
{
    char prefix[2] = {s->sign, 0};

    if (value < 0)
        prefix[0] = '-';
    if (is_plain(s) && !prefix[0]) {
        put_plain(o, (u64)value);
        return;
    }
    put_number(o, s, value < 0 ? 0 - (u64)value : (u64)value, 10, prefix);
}

static const char *parse_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            s->left = true;
            break;
        case '0':
            s->zero = true;
            break;
        case '#':
            s->alt = true;
            break;
        case '+':
            s->sign = '+';
            break;
        case ' ':
            s->sign = s->sign ? s->sign : ' ';
            break;
        default:
            return f;
        }
    }
}

static const char *parse_int(const char *f, int *value)
{
    for (*value = 0; *f >= '0' && *f <= '9'; f++)
        *value = *value * 10 + *f - '0';
    return f;
}

static const char *parse_length(const char *f, struct spec *s)
{
    s->bytes = 4;
    switch (*f) {
    case 'h':
        s->bytes = f[1] == 'h' ? 1 : 2;
        return f + (f[1] == 'h' ? 2 : 1);
    case 'l':
        s->bytes = 8;
        return f + (f[1] == 'l' ? 2 : 1);
    case 'z':
    case 't':
    case 'j':
        s->bytes = 8;
        return f + 1;
    default:
        return f;
    }
}

static u64 narrow_unsigned(u64 v, int bytes)
{
    return bytes == 8 ? v : v & ((1ull << (bytes * 8)) - 1);
}

static s64 narrow_signed(u64 v, int bytes)
{
    int shift = 64 - bytes * 8;

    return (s64)(v << shift) >> shift;
}

static void convert(struct out *o, struct spec *s, char c, va_list *ap)
{
    u64 v;

    switch (c) {
    case 'd':
    case 'i':
        v = s->bytes == 8 ? va_arg(*ap, u64) : va_arg(*ap, u32);
        put_signed(o, s, narrow_signed(v, s->bytes));
        break;
    case 'X':
        s->upper = true;
        /* fallthrough */
    case 'u':
    case 'x':
    case 'o':
        v = s->bytes == 8 ? va_arg(*ap, u64) : va_arg(*ap, u32);
        v = narrow_unsigned(v, s->bytes);
        if (c == 'u' && is_plain(s)) {
            put_plain(o, v);
            break;
        }
        put_number(o, s, v,
                   c == 'u'   ? 10
                   : c == 'o' ? 8
                              : 16,
                   s->alt && v && c == 'x'   ? "0x"
                   : s->alt && v && c == 'X' ? "0X"
                                             : "");
        break;
    case 'p':
        put_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, "0x");
        break;
    case 'c': {
        char text[2] = {(char)va_arg(*ap, int), 0};

        if (!text[0]) { /* a NUL byte is a character too */
            pad(o, ' ', s->left ? 0 : s->width - 1);
            put(o, 0);
            pad(o, ' ', s->left ? s->width - 1 : 0);
            break;
        }
        s->precision = -1;
        put_text(o, s, text);
        break;
    }
    case 's':
        put_text(o, s, va_arg(*ap, const char *));
        break;
    default: /* '%', and what we do not know stands as it is */
        put(o, c);
    }
}

int fmt_vsnprintf(char *buf, size_t size, const char *f, va_list args)
{
    struct out o = {buf, size, 0};
    va_list ap;

    va_copy(ap, args);
    while (*f) {
        struct spec s;

        if (*f != '%') {
            put(&o, *f++);
            continue;
        }
        s = (struct spec){.precision = -1};
        f = parse_flags(f + 1, &s);
        if (*f == '*') {
            s.width = va_arg(ap, int);
            f++;
            if (s.width < 0) {
                s.left = true;
                s.width = -s.width;
            }
        } else {
            f = parse_int(f, &s.width);
        }
        if (*f == '.') {
            if (f[1] == '*') {
                s.precision = va_arg(ap, int);
                f += 2;
            } else {
                f = parse_int(f + 1, &s.precision);
            }
        }
        f = parse_length(f, &s);
        if (!*f)
            break;
        convert(&o, &s, *f++, &ap);
    }
    va_end(ap);
    if (size)
        buf[MIN(o.len, size - 1)] = 0;
    return (int)o.len;
}

int fmt_snprintf(char *buf, size_t size, const char *f, ...)
{
    va_list ap;
    int n;

    va_start(ap, f);
    n = fmt_vsnprintf(buf, size, f, ap);
    va_end(ap);
    return n;
}
