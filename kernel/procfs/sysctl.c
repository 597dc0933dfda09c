/* SPDX-License-Identifier: MIT
 *
 * Reading and writing settings; the settings themselves are in kernel/procfs/sysctl_table.c.
 */
#include "kernel/procfs/sysctl.h"
#include "kernel/task/proc.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* Writers of numbers: a check and its number are one step. Readers need no lock. */
static spinlock_t lock;

int sysctl_show(const struct sysctl *c, struct seq *s)
{
    switch (c->kind) {
    case SYSCTL_U32:
        seq_printf(s, "%u\n", READ_ONCE(*(u32 *)c->value));
        return 0;
    case SYSCTL_U64:
        seq_printf(s, "%lu\n", READ_ONCE(*(u64 *)c->value));
        return 0;
    case SYSCTL_TEXT:
        seq_printf(s, "%s\n", (const char *)c->value);
        return 0;
    case SYSCTL_CALLED:
        return c->get(s);
    }
    return -EINVAL;
}

static int store_number(const struct sysctl *c, const char *text)
{
    u64 number;
    int err;

    /* The parser knows K, M and G, which have no place here. */
    if (*text && strchr("KkMmGg", text[strlen(text) - 1]))
        return -EINVAL;
    if (str_to_u64(text, &number) != 0 || number < c->min || number > c->max)
        return -EINVAL;
    SCOPED_LOCK(&lock);
    err = c->check ? c->check(number) : 0;
    if (err)
        return err;
    if (c->kind == SYSCTL_U32)
        WRITE_ONCE(*(u32 *)c->value, (u32)number);
    else
        WRITE_ONCE(*(u64 *)c->value, number);
    return 0;
}

int sysctl_store(const struct sysctl *c, char *text, size_t n)
{
    if (!capable(c->cap ? c->cap : CAP_SYS_ADMIN))
        return -EPERM;
    if (!n)
        return 0;
    text = str_trim(text, &n);
    if (c->kind == SYSCTL_U32 || c->kind == SYSCTL_U64)
        return store_number(c, text);
    return c->set ? c->set(text, n) : -EACCES;
}
