/* SPDX-License-Identifier: MIT
 *
 * The streams of a program that tools/run started, as devices: host1, host2 and host3 go
 * out, host0 comes in. Input arrives in chunks of one length byte and that many bytes; a
 * chunk of length 0 is the end. host3 carries what init says of the program.
 */
#include "kernel/hostport.h"
#include "arch/console.h"
#include "arch/serial.h"
#include "arch/time.h"
#include "fs/file.h"
#include "kernel/devices.h"
#include "kernel/task/proc.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define MISC_MAJOR  10
#define FIRST_MINOR 240
#define OUT_PORTS   3
#define POLLS_AWAKE 2000u    /* looks at the port before sleeping */
#define NAP_NS      1000000u /* then one look per nap */
#define CHUNK_BYTES 512

static struct mutex in_lock;
static u32 in_left;   /* [in_lock] bytes left of the present chunk */
static bool in_ended; /* [in_lock] */

static struct mutex
    out_locks[OUT_PORTS + 1]; /* of a port: what one call sends in a piece */

static ssize_t host_write(struct file *f, struct uio *u, u64 *pos)
{
    unsigned port = (unsigned)(f->inode->rdev & 0xff) - FIRST_MINOR;
    u8 bytes[CHUNK_BYTES];
    size_t done = 0;

    (void)pos;
    while (u->left) {
        size_t part = MIN(u->left, sizeof(bytes));
        size_t n = uio_copy_from(u, bytes, part);

        mutex_lock(&out_locks[port]);
        for (size_t i = 0; i < n; i++)
            console_port_put(port, bytes[i]);
        mutex_unlock(&out_locks[port]);
        done += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
        if (u->left && thread_interrupted())
            break;
    }
    return (ssize_t)done;
}

/* The next byte from the host; waits. -ERESTARTSYS, -EAGAIN. */
static int next_byte(bool wait)
{
    for (u32 looks = POLLS_AWAKE;; looks = 1) {
        for (u32 i = 0; i < looks; i++) {
            int byte = console_stream_get();

            if (byte >= 0)
                return byte;
            cpu_relax();
        }
        if (!wait)
            return -EAGAIN;
        if (thread_interrupted())
            return -ERESTARTSYS;
        thread_park_until(clock_monotonic_ns() + NAP_NS);
    }
}

/* Bytes of one chunk into buf, at least one unless the input ended. */
static int read_chunk(u8 *buf, size_t size, bool wait)
{
    size_t n = 0;

    if (in_ended)
        return 0;
    if (in_left == 0) {
        int byte = next_byte(wait);

        if (byte <= 0) {
            in_ended = byte == 0;
            return byte;
        }
        in_left = (u32)byte;
    }
    while (n < size && in_left) {
        int byte = next_byte(wait && n == 0);

        if (byte < 0)
            return n ? (int)n : byte;
        buf[n++] = (u8)byte;
        in_left--;
    }
    return (int)n;
}

static ssize_t host_read(struct file *f, struct uio *u, u64 *pos)
{
    u8 bytes[256];
    int n;

    (void)pos;
    if (!u->left)
        return 0;
    if (!mutex_lock_interruptible(&in_lock))
        return -ERESTARTSYS;
    n = read_chunk(bytes, MIN(u->left, sizeof(bytes)), !(file_flags(f) & O_NONBLOCK));
    mutex_unlock(&in_lock);
    if (n <= 0)
        return n;
    n = (int)uio_copy_to(u, bytes, (size_t)n);
    return n ? n : -EFAULT;
}

/* The verdict on the program is init's to give: the program under test cannot write it, not even
 * with all capabilities. */
static int verdict_open(struct file *f)
{
    (void)f;
    return current_proc() == init_proc ? 0 : -EPERM;
}

static const struct file_ops in_ops = {.read = host_read};
static const struct file_ops out_ops = {.write = host_write};
static const struct file_ops verdict_ops = {.open = verdict_open, .write = host_write};

void hostport_init(void)
{
    static const struct {
        const char *name;
        u32 perm;
        const struct file_ops *ops;
    } out[OUT_PORTS] = {{"host1", 0620, &out_ops},
                        {"host2", 0620, &out_ops},
                        {"host3", 0200, &verdict_ops}};

    mutex_init(&in_lock);
    for (unsigned i = 0; i < ARRAY_SIZE(out_locks); i++)
        mutex_init(&out_locks[i]);
    if (!console_port_present(1))
        return;
    for (unsigned i = 0; i < OUT_PORTS; i++)
        device_add(out[i].name, DEVICE(MISC_MAJOR, FIRST_MINOR + i + 1), out[i].perm,
                   out[i].ops);
    if (console_stream_present())
        device_add("host0", DEVICE(MISC_MAJOR, FIRST_MINOR), 0400, &in_ops);
}
