/* SPDX-License-Identifier: MIT
 *
 * The log as programs see it: syslog(2) and /dev/kmsg. A read of /dev/kmsg gives one line,
 * "priority,number,microseconds,-;text", and waits for the next one; the number is the line's
 * place in all that was logged. A write makes a line of the program's own.
 */
#include "kernel/kmsg.h"
#include "arch/time.h"
#include "fs/file.h"
#include "kernel/devices.h"
#include "kernel/main.h"
#include "kernel/printk.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/waitq.h"

#define LOOK_NS \
    100000000ull /* how often one who waits looks: lines come from any context */
#define WRITE_MAX 400

/* ---- syslog(2) ---- */

enum {
    LOG_CLOSE,
    LOG_OPEN,
    LOG_READ,
    LOG_READ_ALL,
    LOG_READ_CLEAR,
    LOG_CLEAR,
    LOG_CONSOLE_OFF,
    LOG_CONSOLE_ON,
    LOG_CONSOLE_LEVEL,
    LOG_SIZE_UNREAD,
    LOG_SIZE_BUFFER,
};

static u64 read_at;      /* LOG_READ has given what is before */
static u32 level_before; /* of LOG_CONSOLE_OFF; 0: it is on */

#define SYSLOG_MAX (sizeof(((struct log_line *)0)->text) + 8)

/* The line at *at, which moves behind it, in the form of syslog(2): its bytes. 0: there is none;
 * what is longer than `room` stays. */
static size_t take_line(u64 *at, char text[SYSLOG_MAX], size_t room)
{
    struct log_line line;
    u64 next = *at;
    size_t n;

    if (!printk_line(&next, &line))
        return 0;
    n = (size_t)fmt_snprintf(text, SYSLOG_MAX, "<%u>%s\n", line.priority, line.text);
    if (n <= room)
        *at = next;
    return n;
}

static int wait_for_lines(u64 at)
{
    int err = 0;

    while (!err && printk_end() == at) {
        struct waitq never;

        waitq_init(&never);
        err =
            waitq_wait_until(&never, printk_end() != at, clock_monotonic_ns() + LOOK_NS);
        if (err == -ETIMEDOUT)
            err = 0;
    }
    return err;
}

/* Held by who takes lines and moves a place on, so that each line is told once. Nobody waits for
 * lines with it. */
static struct mutex taking = {.queue = LIST_INIT(taking.queue)};

static size_t take_next(char text[SYSLOG_MAX], size_t room)
{
    SCOPED_LOCK(&taking);
    u64 at = read_at;
    size_t n = take_line(&at, text, room);

    WRITE_ONCE(read_at, at);
    return n;
}

/* As on Linux a line is taken also where it cannot be told. */
static long read_next(vaddr_t to, size_t size)
{
    char text[SYSLOG_MAX];
    size_t done = 0, n;
    int err;

    while (!(n = take_next(text, size - done)) && !done) {
        err = wait_for_lines(READ_ONCE(read_at));
        if (err)
            return err;
    }
    while (n && n <= size - done) {
        if (copy_to_user(to + done, text, n) != 0)
            return done ? (long)done : -EFAULT;
        done += n;
        n = take_next(text, size - done);
    }
    return (long)done;
}

static long read_all(vaddr_t to, size_t size, bool clear)
{
    u64 at = printk_newest(size);
    char text[SYSLOG_MAX];
    size_t done = 0, n;

    while ((n = take_line(&at, text, size - done)) != 0 && n <= size - done) {
        if (copy_to_user(to + done, text, n) != 0)
            return done ? (long)done : -EFAULT;
        done += n;
    }
    if (clear)
        printk_clear();
    return (long)done;
}

static long set_console(s32 type, s32 level)
{
    if (type == LOG_CONSOLE_LEVEL) {
        if (level < 1 || level > 8)
            return -EINVAL;
        printk_levels[0] = MAX((u32)level, printk_levels[2]);
        level_before = 0;
    } else if (type == LOG_CONSOLE_OFF) {
        if (!level_before)
            level_before = printk_levels[0];
        printk_levels[0] = printk_levels[2];
    } else if (level_before) {
        printk_levels[0] = level_before;
        level_before = 0;
    }
    return 0;
}

u32 kmsg_restricted = 1;

/* Who may do what with the log: everybody may read it, when it is not restricted. */
static bool allowed(s32 type)
{
    if (!READ_ONCE(kmsg_restricted) && (type == LOG_READ_ALL || type == LOG_SIZE_BUFFER))
        return true;
    return capable(CAP_SYSLOG);
}

long sys_syslog(const struct syscall_args *a)
{
    s32 type = (s32)a->a0, len = (s32)a->a2;

    if (!allowed(type))
        return -EPERM;
    switch (type) {
    case LOG_CLOSE: /* nothing to do, as on Linux */
    case LOG_OPEN:
        return 0;
    case LOG_READ:
    case LOG_READ_ALL:
    case LOG_READ_CLEAR:
        if (!a->a1 || len < 0)
            return -EINVAL;
        if (!len)
            return 0;
        if (!user_range_ok(a->a1, (size_t)len))
            return -EFAULT;
        return type == LOG_READ ? read_next(a->a1, (size_t)len)
                                : read_all(a->a1, (size_t)len, type == LOG_READ_CLEAR);
    case LOG_CLEAR:
        printk_clear();
        return 0;
    case LOG_CONSOLE_OFF:
    case LOG_CONSOLE_ON:
    case LOG_CONSOLE_LEVEL:
        return set_console(type, len);
    case LOG_SIZE_UNREAD:
        return (long)printk_unread(READ_ONCE(read_at));
    case LOG_SIZE_BUFFER:
        return PRINTK_RING;
    default:
        return -EINVAL;
    }
}

/* ---- /dev/kmsg ---- */

static int kmsg_open(struct file *f)
{
    return !file_readable(f) || allowed(LOG_READ_ALL) ? 0 : -EPERM;
}

#define TEXT_MAX (sizeof(((struct log_line *)0)->text) + 64)

/* The line in the form of /dev/kmsg: its bytes, -EIO. */
static ssize_t format_line(struct log_line *line, char text[TEXT_MAX])
{
    u64 seconds, micros;
    /* "[seconds.micros] words" */
    char *words = strchr(line->text, ']'), *end = strchr(line->text, '.');

    if (!words || !end)
        return -EIO;
    *end = *words = '\0';
    words += 2;
    for (end = line->text + 1; *end == ' '; end++)
        ;
    if (str_to_u64(end, &seconds) != 0)
        seconds = 0;
    for (end = line->text + strlen(line->text) + 1; *end == '0' && end[1]; end++)
        ;
    if (str_to_u64(end, &micros) != 0)
        micros = 0;
    return fmt_snprintf(text, TEXT_MAX, "%u,%lu,%lu,-;%s\n", line->priority, line->at,
                        seconds * 1000000 + micros, words);
}

/* f->data, changed by who takes lines: the place of the line to be read next; f->pos is 0, as on
 * Linux. */
static ssize_t kmsg_read(struct file *f, struct uio *u, u64 *pos)
{
    char text[TEXT_MAX];
    struct log_line line;
    u64 begin, at;
    ssize_t n;
    int err;

    (void)pos;
    for (;;) {
        mutex_lock(&taking);
        begin = at = (u64)(uintptr_t)f->data;
        if (printk_line(&at, &line))
            break;
        mutex_unlock(&taking);
        if (file_flags(f) & O_NONBLOCK)
            return -EAGAIN;
        err = wait_for_lines(at);
        if (err)
            return err;
    }
    if (line.lost && begin) { /* told once; the next read goes on with what there is */
        at = line.at;
        n = -EPIPE;
    } else {
        n = format_line(&line, text);
        if (n > 0 && u->left < (size_t)n)
            n = -EINVAL;
    }
    if (n > 0 || n == -EPIPE)
        f->data = (void *)(uintptr_t)at;
    mutex_unlock(&taking);
    /* As on Linux the line is taken, also where it cannot be told. */
    return n > 0 && uio_copy_to(u, text, (size_t)n) != (size_t)n ? -EFAULT : n;
}

/* "<priority>words": without a number a warning of a program, as on Linux. */
static ssize_t kmsg_write(struct file *f, struct uio *u, u64 *pos)
{
    static struct log_limit limit;
    char text[WRITE_MAX + 1], *words = text, *end;
    u32 priority = LOG_USER | printk_levels[1];
    size_t n = u->left;

    (void)f;
    (void)pos;
    if (n > WRITE_MAX)
        return -EINVAL;
    if (uio_copy_from(u, text, n) != n)
        return -EFAULT;
    text[n] = '\0';
    end = strchr(text, '>');
    if (text[0] == '<' && end) {
        u64 number;

        *end = '\0';
        if (str_to_u64(text + 1, &number) == 0) {
            priority = LOG_USER | (u32)(number & 7);
            words = end + 1;
        } else {
            *end = '>';
        }
    }
    end = words + strlen(words);
    if (end > words && end[-1] == '\n')
        end[-1] = '\0';
    if (log_allowed(&limit, "kmsg"))
        printk_user(priority, words);
    return (ssize_t)n;
}

static s64 kmsg_lseek(struct file *f, s64 offset, int whence)
{
    if (offset)
        return -ESPIPE;
    if (whence != SEEK_SET && whence != SEEK_END && whence != SEEK_DATA)
        return -EINVAL;
    SCOPED_LOCK(&taking);
    if (whence == SEEK_SET)
        f->data = NULL;
    else
        f->data =
            (void *)(uintptr_t)(whence == SEEK_END ? printk_end() : printk_newest(~0ul));
    return 0;
}

static const struct file_ops kmsg_ops = {
    .open = kmsg_open, .read = kmsg_read, .write = kmsg_write, .lseek = kmsg_lseek};

void kmsg_init(void)
{
    device_add("kmsg", DEVICE(1, 11), 0644, &kmsg_ops);
}
