/* SPDX-License-Identifier: MIT
 *
 * Generated text in pages, see kernel/procfs/seq.h. After a failed allocation the text stays short
 * and `error` says so: the reader gets the error, never half a file.
 */
#include "kernel/procfs/seq.h"

#include "lib/fmt.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define FIRST_ROOM 8

void seq_init(struct seq *s, struct account *account)
{
    *s = (struct seq){.account = account};
}

void seq_free(struct seq *s)
{
    for (size_t i = 0; i < s->npages; i++) {
        kfree(s->pages[i]);
        pause_anyway();
    }
    kfree(s->pages);
    __atomic_fetch_sub(&s->account->bytes, s->npages * PAGE_SIZE, __ATOMIC_RELAXED);
    seq_init(s, s->account);
}

/* One more page. */
static bool grow(struct seq *s)
{
    if (s->npages == s->room) {
        size_t room = s->room ? s->room * 2 : FIRST_ROOM;
        char **pages = kmalloc(room * sizeof(*pages));

        if (!pages)
            return false;
        if (s->npages)
            memcpy(pages, s->pages, s->npages * sizeof(*pages));
        kfree(s->pages);
        s->pages = pages;
        s->room = room;
    }
    s->pages[s->npages] = kmalloc(PAGE_SIZE);
    if (!s->pages[s->npages])
        return false;
    s->npages++;
    __atomic_fetch_add(&s->account->bytes, PAGE_SIZE, __ATOMIC_RELAXED);
    return true;
}

static noinline void write_over(struct seq *s, const char *from, size_t n)
{
    while (n && !s->error) {
        size_t used = s->len % PAGE_SIZE, part = MIN(n, PAGE_SIZE - used);

        if (s->len == s->npages * PAGE_SIZE && (s->len >= SEQ_MAX || !grow(s))) {
            s->error = -ENOMEM;
            return;
        }
        memcpy(s->pages[s->len / PAGE_SIZE] + used, from, part);
        s->len += part;
        from += part;
        n -= part;
    }
}

void seq_write(struct seq *s, const void *text, size_t n)
{
    size_t used = s->len % PAGE_SIZE;

    if (unlikely(!used || n > PAGE_SIZE - used || s->error)) {
        write_over(s, text, n);
        return;
    }
    memcpy(s->pages[s->len / PAGE_SIZE] + used, text, n);
    s->len += n;
}

void seq_puts(struct seq *s, const char *text)
{
    seq_write(s, text, strlen(text));
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = fmt_vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n > 0)
        seq_write(s, text, MIN((size_t)n, sizeof(text) - 1));
}

ssize_t seq_read(const struct seq *s, struct uio *u, u64 pos)
{
    size_t done = 0;

    while (u->left && pos < s->len) {
        size_t used = pos % PAGE_SIZE, end = MIN(PAGE_SIZE - used, s->len - pos);
        size_t part = MIN(u->left, end);
        size_t n = uio_copy_to(u, s->pages[pos / PAGE_SIZE] + used, part);

        done += n;
        pos += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
        if (u->left && pause_point())
            break;
    }
    return (ssize_t)done;
}
