/* SPDX-License-Identifier: MIT
 *
 * What /sys tells of loop devices. A device has STRIDE numbers: three directories, the link to
 * the first of them, then its files.
 */
#include "kernel/loop/attr.h"
#include "fs/file.h"
#include "fs/mount/path_text.h"
#include "kernel/loop/loop.h"
#include "kernel/task/proc.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define STRIDE 32u

enum part { TOP, LOOP, QUEUE, LINK, FILES };

enum attr {
    DEV,
    SIZE,
    RO,
    REMOVABLE,
    BACKING_FILE,
    OFFSET,
    SIZELIMIT,
    AUTOCLEAR,
    PARTSCAN,
    DIO,
    LOGICAL_BLOCK,
    PHYSICAL_BLOCK,
    READ_AHEAD,
    ROTATIONAL,
    ATTRS_END
};

static const struct {
    const char *name;
    enum part in;
} attrs[ATTRS_END] = {
    [DEV] = {"dev", TOP},
    [SIZE] = {"size", TOP},
    [RO] = {"ro", TOP},
    [REMOVABLE] = {"removable", TOP},
    [BACKING_FILE] = {"backing_file", LOOP},
    [OFFSET] = {"offset", LOOP},
    [SIZELIMIT] = {"sizelimit", LOOP},
    [AUTOCLEAR] = {"autoclear", LOOP},
    [PARTSCAN] = {"partscan", LOOP},
    [DIO] = {"dio", LOOP},
    [LOGICAL_BLOCK] = {"logical_block_size", QUEUE},
    [PHYSICAL_BLOCK] = {"physical_block_size", QUEUE},
    [READ_AHEAD] = {"read_ahead_kb", QUEUE},
    [ROTATIONAL] = {"rotational", QUEUE},
};

STATIC_ASSERT(FILES + ATTRS_END <= STRIDE);

static u32 device_of(u64 ino)
{
    return (u32)((ino - LOOP_ATTRS) / STRIDE);
}

static u32 part_of(u64 ino)
{
    return (u32)((ino - LOOP_ATTRS) % STRIDE);
}

bool loop_attr_device(u64 i, bool as_link, char *name, size_t size, u64 *ino)
{
    u32 n = 0;

    while (n < LOOP_MAX && (!loop_is_there(n) || i-- > 0))
        n++;
    fmt_snprintf(name, size, as_link ? "7:%u" : "loop%u", n);
    *ino = LOOP_ATTRS + n * STRIDE + (as_link ? LINK : TOP);
    return n < LOOP_MAX;
}

bool loop_attr_at(u64 dir, u64 i, char *name, size_t size, u64 *ino)
{
    const char *found = NULL;
    u64 first = dir - part_of(dir);

    for (u32 a = 0; a < ATTRS_END && !found; a++) {
        if (attrs[a].in == part_of(dir) && i-- == 0) {
            found = attrs[a].name;
            *ino = first + FILES + a;
        }
    }
    if (!found && part_of(dir) == TOP && i-- == 0) {
        found = "queue";
        *ino = first + QUEUE;
    }
    if (!found && part_of(dir) == TOP && i == 0 && loop_is_bound(device_of(dir))) {
        found = "loop";
        *ino = first + LOOP;
    }
    if (found)
        str_copy(name, found, size);
    return found;
}

u32 loop_attr_type(u64 ino)
{
    return part_of(ino) < LINK ? S_IFDIR : part_of(ino) == LINK ? S_IFLNK : S_IFREG;
}

/* Of the file, as the process sees it, and the end of its line. */
static size_t path_text(const struct loop *l, char *out, size_t size)
{
    ssize_t n = -ENOENT;

    if (l->backing && l->backing->path.dentry)
        n = fs_path_text(current_fs(), &l->backing->path, out, size - 1);
    if (n < 0)
        n = fmt_snprintf(out, size - 1, "(no name)");
    str_copy(out + n, "\n", 2);
    return (size_t)n + 1;
}

static u64 value(const struct loop *l, enum attr a)
{
    switch (a) {
    case SIZE:
        return l->size / LOOP_SECTOR;
    case RO:
        return loop_is_read_only(l);
    case OFFSET:
        return l->offset;
    case SIZELIMIT:
        return l->limit;
    case AUTOCLEAR:
        return !!(l->flags & LO_FLAGS_AUTOCLEAR);
    case PARTSCAN:
        return !!(l->flags & LO_FLAGS_PARTSCAN);
    case DIO:
        return !!(l->flags & LO_FLAGS_DIRECT_IO);
    case LOGICAL_BLOCK:
    case PHYSICAL_BLOCK:
        return loop_block(l);
    case READ_AHEAD:
        return l->readahead / 2;
    case DEV:
    case REMOVABLE:
    case BACKING_FILE:
    case ROTATIONAL:
    case ATTRS_END:
        break;
    }
    return 0;
}

size_t loop_attr_text(u64 ino, char *out, size_t size)
{
    u32 n = device_of(ino), a = part_of(ino) - FILES;
    struct loop l;
    size_t len;

    if (part_of(ino) == LINK)
        return (size_t)fmt_snprintf(out, size, "../../block/loop%u", n);
    if (a == DEV)
        return (size_t)fmt_snprintf(out, size, "7:%u\n", n);
    loop_look(n, &l);
    len = a == BACKING_FILE ? path_text(&l, out, size)
                            : (size_t)fmt_snprintf(out, size, "%lu\n", value(&l, a));
    loop_forget(&l);
    return len;
}
