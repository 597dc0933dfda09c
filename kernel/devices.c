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
#include "kernel/loop/loop.h"
#include "kernel/main.h"
#include "kernel/random.h"
#include "kernel/strace.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "kernel/term/fbdev.h"
#include "kernel/uffd/uffd.h"
#include "lib/pause.h"
#include "lib/uapi/capability.h"
#include "lib/uapi/errno.h"

/* <linux/random.h> */
#define RNDGETENTCNT   0x80045200u
#define RNDADDTOENTCNT 0x40045201u
#define RNDADDENTROPY  0x40085203u
#define RNDZAPENTCNT   0x5204u
#define RNDCLEARPOOL   0x5206u
#define RNDRESEEDCRNG  0x5207u

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
    (void)u;
    (void)pos;
    return -ENOSPC;
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

/* RNDADDENTROPY: a count of bits, a length and so many bytes. The bytes are stirred in; the generator
 * has all it needs, so bits are not counted. */
static long random_add(vaddr_t arg)
{
    s32 head[2];
    u8 bytes[RANDOM_AT_ONCE];

    if (copy_from_user(head, arg, sizeof(head)) != 0)
        return -EFAULT;
    if (head[0] < 0 || head[1] < 0)
        return -EINVAL;
    arg += sizeof(head);
    for (u32 left = (u32)head[1], part; left; left -= part, arg += part) {
        part = MIN(left, (u32)sizeof(bytes));
        if (copy_from_user(bytes, arg, part) != 0)
            return -EFAULT;
        random_stir_bytes(bytes, part);
        (void)pause_point();
        if (thread_interrupted())
            break;
    }
    return 0;
}

/* random(4). There are always as many bits as there can be. */
static long random_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    s32 bits = RANDOM_BITS;

    (void)f;
    switch (cmd) {
    case RNDGETENTCNT:
        return copy_to_user(arg, &bits, sizeof(bits)) != 0 ? -EFAULT : 0;
    case RNDADDTOENTCNT:
    case RNDADDENTROPY:
    case RNDZAPENTCNT:
    case RNDCLEARPOOL:
    case RNDRESEEDCRNG:
        break;
    default:
        return -EINVAL;
    }
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (cmd == RNDADDENTROPY)
        return random_add(arg);
    if (cmd != RNDADDTOENTCNT)
        return 0;
    if (copy_from_user(&bits, arg, sizeof(bits)) != 0)
        return -EFAULT;
    return bits < 0 ? -EINVAL : 0;
}

static const struct file_ops null_ops = {.read = null_read,
                                         .write = null_write,
                                         .lseek = dev_lseek,
                                         .no_splice_from = true,
                                         .nowait_read = true,
                                         .nowait_write = true};
static const struct file_ops zero_ops = {.read = zero_read,
                                         .write = null_write,
                                         .lseek = dev_lseek,
                                         .mmap = zero_mmap,
                                         .nowait_read = true,
                                         .nowait_write = true};
static const struct file_ops full_ops = {
    .read = zero_read, .write = full_write, .lseek = dev_lseek, .no_splice_to = true};
static const struct file_ops random_ops = {.read = random_read,
                                           .write = random_write,
                                           .ioctl = random_ioctl,
                                           .lseek = dev_lseek,
                                           .nowait_read = true,
                                           .nowait_write = true};

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
    loop_init();
}
