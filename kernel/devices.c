/* SPDX-License-Identifier: MIT
 *
 * Character devices without hardware, with Linux' numbers: null, zero, full, random and
 * urandom (one generator, never blocking).
 */
#include "kernel/devices.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "kernel/hostport.h"
#include "kernel/kmsg.h"
#include "kernel/main.h"
#include "kernel/random.h"
#include "kernel/strace.h"
#include "kernel/term/fbdev.h"
#include "kernel/uffd/wait.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"

static s64 dev_lseek(struct file *f, s64 offset, int whence)
{
    (void)f;
    (void)offset;
    (void)whence;
    return 0;
}

static ssize_t null_read(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    (void)u;
    (void)pos;
    return 0;
}

static ssize_t null_write(struct file *f, struct uio *u, u64 *pos)
{
    ssize_t n = (ssize_t)u->left;

    (void)f;
    (void)pos;
    u->left = 0;
    return n;
}

static ssize_t zero_read(struct file *f, struct uio *u, u64 *pos)
{
    size_t done = 0;

    (void)f;
    (void)pos;
    while (u->left) {
        size_t part = MIN(u->left, PAGE_SIZE);
        size_t n = uio_zero(u, part);

        done += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
        (void)pause_point();
        if (u->left && thread_interrupted())
            break;
    }
    return (ssize_t)done;
}

/* Private: anonymous memory; shared: an object of its own, full of holes. */
static int zero_mmap(struct file *f, bool shared, struct vm_object **out)
{
    (void)f, (void)shared;
    *out = NULL; /* anonymous memory */
    return 0;
}

static ssize_t full_write(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    (void)pos;
    return u->left ? -ENOSPC : 0;
}

static ssize_t random_read(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    (void)pos;
    return random_to_uio(u);
}

/* What is written is stirred in; it can only help. */
static ssize_t random_write(struct file *f, struct uio *u, u64 *pos)
{
    u8 bytes[RANDOM_AT_ONCE];
    size_t done = 0;

    (void)f;
    (void)pos;
    while (u->left) {
        size_t part = MIN(u->left, sizeof(bytes)), n = uio_copy_from(u, bytes, part);

        random_stir_bytes(bytes, n);
        done += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
        (void)pause_point();
        if (u->left && thread_interrupted())
            break;
    }
    return (ssize_t)done;
}

static const struct file_ops null_ops = {
    .read = null_read, .write = null_write, .lseek = dev_lseek, .no_splice_from = true};
static const struct file_ops zero_ops = {
    .read = zero_read, .write = null_write, .lseek = dev_lseek, .mmap = zero_mmap};
static const struct file_ops full_ops = {
    .read = zero_read, .write = full_write, .lseek = dev_lseek, .no_splice_to = true};
static const struct file_ops random_ops = {
    .read = random_read, .write = random_write, .lseek = dev_lseek};

void device_add(const char *name, u64 rdev, u32 perm, const struct file_ops *ops)
{
    if (devfs_register(name, rdev, perm, ops) != 0)
        panic("no memory for device %s", name);
}

void devices_init(void)
{
    random_init();
    device_add("null", DEVICE(1, 3), 0666, &null_ops);
    device_add("zero", DEVICE(1, 5), 0666, &zero_ops);
    device_add("full", DEVICE(1, 7), 0666, &full_ops);
    device_add("random", DEVICE(1, 8), 0666, &random_ops);
    device_add("urandom", DEVICE(1, 9), 0666, &random_ops);
    hostport_init();
    kmsg_init();
    strace_init();
    uffd_init();
    fbdev_init();
}
