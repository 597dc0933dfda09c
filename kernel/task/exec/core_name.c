/* SPDX-License-Identifier: MIT
 *
 * See kernel/task/exec/core_name.h.
 */
#include "kernel/task/exec/core_name.h"
#include "kernel/sys/time.h"
#include "kernel/task/proc.h"
#include "kernel/uts.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define NSEC 1000000000u

u32 core_uses_pid;

static spinlock_t pattern_lock;
static char pattern[CORE_PATTERN_SIZE] = "core"; /* [pattern_lock] */

void core_pattern_get(char out[CORE_PATTERN_SIZE])
{
    SCOPED_LOCK(&pattern_lock);
    memcpy(out, pattern, sizeof(pattern));
}

int core_pattern_set(const char *text, size_t n)
{
    if (n && *text == '|')
        return -EINVAL;
    n = MIN(n, (size_t)CORE_PATTERN_SIZE - 1);
    SCOPED_LOCK(&pattern_lock);
    memcpy(pattern, text, n);
    pattern[n] = '\0';
    return 0;
}

/* A name that somebody chose, as part of one file's name: no way up, and not nothing. */
static int put_name(char *at, size_t room, const char *name)
{
    bool dots = !strcmp(name, ".") || !strcmp(name, "..");
    int n = fmt_snprintf(at, room, "%s%s", dots || !*name ? "!" : "", name + dots);

    for (; *at; at++)
        if (*at == '/')
            *at = '!';
    return n;
}

/* What %c stands for; nothing where it stands for nothing known here. */
static int put_field(char *at, size_t room, char c, int signo)
{
    const struct proc *p = current_proc();
    char host[UTS_SIZE];

    switch (c) {
    case '%':
        return fmt_snprintf(at, room, "%%");
    case 'p':
    case 'P':
        return fmt_snprintf(at, room, "%d", p->pid);
    case 'i':
    case 'I':
        return fmt_snprintf(at, room, "%d", current_thread()->tid);
    case 'u':
        return fmt_snprintf(at, room, "%u", own_cred()->uid);
    case 'g':
        return fmt_snprintf(at, room, "%u", own_cred()->gid);
    case 'd':
        return fmt_snprintf(at, room, "%u", READ_ONCE(p->dumpable));
    case 's':
        return fmt_snprintf(at, room, "%d", signo);
    case 't':
        return fmt_snprintf(at, room, "%lu", clock_realtime_ns() / NSEC);
    case 'c':
        return fmt_snprintf(at, room, "%lu", p->rlim[RLIMIT_CORE].rlim_cur);
    case 'h':
        uts_get(UTS_NODE, host);
        return put_name(at, room, host);
    case 'e':
    case 'f':
        return put_name(at, room, c == 'e' ? current_thread()->comm : p->comm);
    default:
        return 0;
    }
}

bool core_name(char *out, size_t room, int signo)
{
    bool names_pid = false;
    char form[CORE_PATTERN_SIZE];
    size_t n = 0;

    core_pattern_get(form);
    if (!form[0] && !READ_ONCE(core_uses_pid))
        return false;
    for (const char *f = form; *f && n < room; f++) {
        if (*f != '%') {
            out[n++] = *f;
        } else if (*++f) {
            names_pid |= *f == 'p';
            out[n] = '\0';
            n += (size_t)put_field(out + n, room - n, *f, signo);
        } else {
            break;
        }
    }
    if (n < room && !names_pid && READ_ONCE(core_uses_pid))
        n += (size_t)fmt_snprintf(out + n, room - n, ".%d", current_proc()->pid);
    if (n >= room)
        return false;
    out[n] = '\0';
    return true;
}
