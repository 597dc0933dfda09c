/* SPDX-License-Identifier: MIT
 *
 * Reads the loader's configuration. A line is taken whole or not at all; what is wrong with
 * it is kept with its number, so that a slip of the pen costs one line and not the boot.
 */
#include "arch/x86_64/boot/uefi/config.h"
#include "lib/string.h"

/* The line in hand, without blanks around it. */
struct line {
    u32 number;
    const char *text;
    size_t len;
};

static void fault(struct config *c, u32 line, const char *reason)
{
    if (c->nfaults < CONFIG_FAULTS)
        c->faults[c->nfaults] = (struct config_fault){line, reason};
    c->nfaults++;
}

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

static void trim(struct line *l)
{
    while (l->len && is_blank(l->text[0])) {
        l->text++;
        l->len--;
    }
    while (l->len && (is_blank(l->text[l->len - 1]) || l->text[l->len - 1] == '\r'))
        l->len--;
}

static bool is_printable(const struct line *l)
{
    for (size_t i = 0; i < l->len; i++) {
        u8 ch = (u8)l->text[i];

        if ((ch < 0x20 || ch > 0x7e) && ch != '\t')
            return false;
    }
    return true;
}

/* A decimal number up to max at *p; moves behind it. */
static bool take_number(const char **p, const char *end, u32 max, u32 *out)
{
    u32 n = 0;

    if (*p == end || **p < '0' || **p > '9')
        return false;
    for (; *p < end && **p >= '0' && **p <= '9'; ++*p) {
        n = n * 10 + (u32)(**p - '0');
        if (n > max)
            return false;
    }
    *out = n;
    return true;
}

static const char *set_number(const struct line *value, u32 max, u32 *out)
{
    const char *p = value->text, *end = p + value->len;
    u32 n;

    if (!take_number(&p, end, max, &n) || p != end)
        return "is no number, or too large a one";
    *out = n;
    return NULL;
}

static const char *set_mode(struct config *c, const struct line *value)
{
    const char *p = value->text, *end = p + value->len;
    u32 width, height;

    if (!take_number(&p, end, CONFIG_SCREEN_MAX, &width) || p == end || *p++ != 'x' ||
        !take_number(&p, end, CONFIG_SCREEN_MAX, &height) || p != end || !width ||
        !height)
        return "is no mode like 1024x768";
    c->width = width;
    c->height = height;
    return NULL;
}

static const char *set_text(const struct line *value, char *out, size_t size)
{
    if (value->len >= size)
        return "is too long";
    memcpy(out, value->text, value->len);
    out[value->len] = '\0';
    return NULL;
}

static const char *set_path(const struct line *value, char *out)
{
    if (value->len && value->text[0] != '/')
        return "is no path from the root, like /boot/kernel.elf";
    return set_text(value, out, CONFIG_PATH_MAX);
}

static const char *begin_entry(struct config *c, const struct line *value)
{
    struct config_entry *e = &c->entries[c->nentries];
    const char *wrong;

    if (c->nentries == CONFIG_ENTRIES)
        return "begins an entry too many";
    if (!value->len)
        return "begins an entry without a name";
    *e = c->common;
    wrong = set_text(value, e->name, sizeof(e->name));
    if (!wrong)
        c->nentries++;
    return wrong;
}

static bool is_key(const struct line *key, const char *name)
{
    return key->len == strlen(name) && memcmp(key->text, name, key->len) == 0;
}

/* NULL, or what is wrong. */
static const char *set(struct config *c, const struct line *key, const struct line *value,
                       u32 *default_line)
{
    struct config_entry *e = c->nentries ? &c->entries[c->nentries - 1] : &c->common;

    if (is_key(key, "entry"))
        return begin_entry(c, value);
    if (is_key(key, "kernel"))
        return set_path(value, e->kernel);
    if (is_key(key, "initramfs"))
        return set_path(value, e->initramfs);
    if (is_key(key, "chain"))
        return c->nentries ? set_path(value, e->chain) : "stands above the first entry";
    if (is_key(key, "cmdline"))
        return set_text(value, e->cmdline, sizeof(e->cmdline));
    if (is_key(key, "timeout"))
        return set_number(value, CONFIG_TIMEOUT_MAX, &c->timeout);
    if (is_key(key, "mode"))
        return set_mode(c, value);
    if (is_key(key, "default")) {
        *default_line = key->number;
        return set_number(value, CONFIG_ENTRIES, &c->chosen);
    }
    return "has an unknown key";
}

static void read_line(struct config *c, struct line l, u32 *default_line)
{
    struct line key = l, value = l;
    const char *equals, *wrong;

    trim(&l);
    if (!l.len || l.text[0] == '#')
        return;
    equals = memchr(l.text, '=', l.len);
    if (!equals || !is_printable(&l)) {
        fault(c, l.number, equals ? "is not plain ASCII text" : "has no `key = value`");
        return;
    }
    key.text = l.text;
    key.len = (size_t)(equals - l.text);
    value.text = equals + 1;
    value.len = l.len - key.len - 1;
    trim(&key);
    trim(&value);
    wrong = set(c, &key, &value, default_line);
    if (wrong)
        fault(c, l.number, wrong);
}

/* Past the mark some editors put before UTF-8; NULL when the text is UTF-16. */
static const char *skip_mark(const char *text, size_t n)
{
    const u8 *b = (const u8 *)text;

    if (n >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf)
        return text + 3;
    if (n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff)))
        return NULL;
    return text;
}

static void read_lines(struct config *c, const char *p, const char *end)
{
    u32 default_line = 0;

    for (u32 number = 1; p < end; number++) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((eol ? eol : end) - p);

        read_line(c, (struct line){number, p, len}, &default_line);
        p += len + (eol != NULL);
    }
    if (default_line && (c->chosen < 1 || c->chosen > MAX(c->nentries, 1u))) {
        fault(c, default_line, "names an entry that is not there");
        c->chosen = 1;
    }
}

void config_parse(struct config *c, const char *text, size_t n)
{
    const char *begin = skip_mark(text, n);

    memset(c, 0, sizeof(*c));
    c->chosen = 1;
    str_copy(c->common.name, "Tessera", sizeof(c->common.name));
    str_copy(c->common.kernel, "/boot/kernel.elf", CONFIG_PATH_MAX);
    str_copy(c->common.initramfs, "/boot/initramfs.cpio", CONFIG_PATH_MAX);
    if (begin)
        read_lines(c, begin, text + n);
    else
        fault(c, 1, "is UTF-16 text; save the file as UTF-8 or ASCII");
    if (!c->nentries)
        c->entries[c->nentries++] = c->common;
    c->chosen--;
}

static size_t skip_blanks(const u16 *s, size_t i, size_t n)
{
    while (i < n && s[i] == ' ')
        i++;
    return i;
}

/* Behind the word that begins at i, which may be in quotes. */
static size_t skip_word(const u16 *s, size_t i, size_t n)
{
    u16 stop = ' ';

    if (i < n && s[i] == '"')
        stop = s[i++];
    while (i < n && s[i] != stop)
        i++;
    return i < n && stop == '"' ? i + 1 : i;
}

static bool ends_in_efi(const u16 *s, size_t begin, size_t end)
{
    static const char suffix[] = ".efi";

    if (end > begin && s[end - 1] == '"')
        end--;
    if (end - begin < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        u16 ch = s[end - 4 + i];

        if (ch >= 'A' && ch <= 'Z')
            ch += 'a' - 'A';
        if (ch != (u16)suffix[i])
            return false;
    }
    return true;
}

bool config_load_options(const u16 *options, size_t nbytes, bool shell, char *out,
                         size_t size)
{
    size_t n = 0, at = 0, begin, end;

    out[0] = '\0';
    while (n < nbytes / 2 && options[n] != 0) {
        if (options[n] < 0x20 || options[n] > 0x7e)
            return false;
        n++;
    }
    begin = skip_blanks(options, 0, n);
    end = skip_word(options, begin, n);
    if (shell || ends_in_efi(options, begin, end))
        begin = skip_blanks(options, end, n);
    while (n > begin && options[n - 1] == ' ')
        n--;
    for (size_t i = begin; i < n && at + 1 < size; i++)
        out[at++] = (char)options[i];
    out[at] = '\0';
    return at > 0;
}
