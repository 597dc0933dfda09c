/* SPDX-License-Identifier: MIT
 *
 * The host's files (fs/host) against a server of this program: a true one, and one whose answers
 * are damaged at random. What lies behind an answer's end is poisoned.
 */
#include <sanitizer/asan_interface.h>

#include "arch/hostshare.h"
#include "fs/dentry.h"
#include "fs/host/hostfs.h"
#include "fs/host/ninep.h"
#include "fs/mount/mount_calls.h"
#include "fs/namei.h"
#include "fs/names.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "tests/host/fstest.h"
#include "tests/host/rnd.h"

#define BIG 150000u /* bytes of the file "big": several reads */

static u8 request[SHARE_REQUEST], answer[SHARE_ANSWER];
static u8 *out;
static u32 asked, reads;
static bool damage;             /* answers are damaged */
static void (*meanwhile)(void); /* what others do while the next request waits */

/* Where each fid is: 0 nowhere, then the entries of the one directory there is. */
enum { NOWHERE, ROOT, BIG_FILE, LINK, FILES };
static const char *const names[FILES] = {[BIG_FILE] = "big", [LINK] = "link"};
static u8 where[100000];

static u64 get(const u8 *p, int n)
{
    u64 v = 0;

    while (n--)
        v = v << 8 | p[n];
    return v;
}

static void put(u64 v, int n)
{
    for (; n--; v >>= 8)
        *out++ = (u8)v;
}

static void put_text(const char *s)
{
    put(strlen(s), 2);
    while (*s)
        *out++ = (u8)*s++;
}

static void put_qid(u64 which)
{
    put(0, 5);
    put(which, 8);
}

static u8 byte_of(u64 at)
{
    return (u8)(at * 7 + at / 4096);
}

static void getattr(u8 which)
{
    static const u32 modes[FILES] = {
        [ROOT] = 0040755, [BIG_FILE] = 0100644, [LINK] = 0120777};

    put(0x7ff, 8);
    put_qid(which);
    put(modes[which], 4);
    put(7, 4);
    put(8, 4);
    put(1, 8);
    put(0, 8);
    put(which == BIG_FILE ? BIG : 3, 8);
    put(4096, 8);
    put(0, 8);
    for (int i = 0; i < 3; i++)
        put(1000 + (u64)i, 8), put(5, 8);
    for (int i = 0; i < 4; i++)
        put(0, 8);
}

static void readdir(u64 from)
{
    u8 *count = out;

    out += 4;
    for (u64 i = from; i < FILES - ROOT; i++) {
        put_qid(i);
        put(i + 1, 8);
        put(0, 1);
        put_text(i == 0 ? "." : names[ROOT + i]);
    }
    for (int i = 0, n = (int)(out - count - 4); i < 4; i++)
        count[i] = (u8)(n >> 8 * i);
}

/* The body of the answer to the request; an errno. */
static int serve(u8 type, const u8 *body)
{
    u8 which = where[get(body, 4)], found = NOWHERE;
    u64 offset, n;

    switch (type) {
    case 100:
        put(SHARE_ANSWER, 4);
        put_text("9P2000.L");
        return 0;
    case 104:
        where[get(body, 4)] = ROOT;
        put_qid(ROOT);
        return 0;
    case 110:
        for (u8 i = BIG_FILE; i < FILES && get(body + 8, 2); i++)
            if (get(body + 10, 2) == strlen(names[i]) &&
                memcmp(body + 12, names[i], strlen(names[i])) == 0)
                found = i;
        if (!get(body + 8, 2))
            found = which;
        if (!found)
            return ENOENT;
        where[get(body + 4, 4)] = found;
        put(get(body + 8, 2), 2);
        if (get(body + 8, 2))
            put_qid(found);
        return 0;
    case 24:
        getattr(which);
        return 0;
    case 22:
        put_text("big");
        return 0;
    case 40:
        readdir(get(body + 4, 8));
        return 0;
    case 116:
        reads++;
        offset = get(body + 4, 8);
        n = offset < BIG ? MIN(get(body + 12, 4), BIG - offset) : 0;
        put(n, 4);
        for (u64 i = 0; i < n; i++)
            *out++ = byte_of(offset + i);
        return 0;
    default: /* open, clunk */
        put_qid(which);
        return 0;
    }
}

int share_open(char *tag, size_t size, u8 **to, const u8 **from)
{
    str_copy(tag, "host", size);
    *to = request;
    *from = answer;
    return 0;
}

static void damage_answer(size_t *n)
{
    for (u64 times = rnd_below(4); times; times--)
        answer[rnd_below(MIN(*n, 64u))] = (u8)rnd_below(256);
    if (rnd_below(4) == 0)
        *n = rnd_below(*n + 20);
}

ssize_t share_exchange(size_t n)
{
    int err;
    size_t len;

    asked++;
    CHECK(!mutex_is_held(&vfs_tree_lock)); /* who walks elsewhere does not wait for us */
    if (meanwhile) {
        void (*act)(void) = meanwhile;

        meanwhile = NULL;
        act();
    }
    CHECK_EQ(get(request, 4), n);
    ASAN_UNPOISON_MEMORY_REGION(answer, sizeof(answer));
    out = answer + 7;
    err = serve(request[4], request + 7);
    if (err) {
        out = answer + 7;
        put((u64)err, 4);
    }
    len = (size_t)(out - answer);
    out = answer;
    put(len, 4);
    put(err ? 7 : request[4] + 1u, 1);
    put(get(request + 5, 2), 2);
    if (damage)
        damage_answer(&len);
    ASAN_POISON_MEMORY_REGION(answer + len, sizeof(answer) - len);
    return (ssize_t)len;
}

static int mount_host(struct fs_context *fs)
{
    char options[] = "trans=virtio,version=9p2000.L";
    const struct mount_args args = {.source = "host", .type = "9p", .options = options};
    struct path at;

    hostfs_init();
    CHECK_EQ(vfs_mkdir(fs, NULL, "/h", 0755), 0);
    CHECK_EQ(vfs_lookup(fs, NULL, "/h", LOOKUP_FOLLOW, &at), 0);
    return vfs_mount(fs, &at, &args);
}

static void unmount(struct fs_context *fs)
{
    struct path at;

    CHECK_EQ(vfs_lookup(fs, NULL, "/h", LOOKUP_FOLLOW, &at), 0);
    CHECK_EQ(vfs_umount(fs, &at, 0), 0);
}

TEST(ninep_files)
{
    struct fs_context *fs = fs_begin();
    struct file *f;
    u8 bytes[5000];

    CHECK_EQ(mount_host(fs), 0);
    f = fs_open("/h/link", O_RDWR);
    CHECK_EQ(f->inode->uid, 7);
    CHECK_EQ(fs_read(f, bytes, sizeof(bytes), 100000), sizeof(bytes));
    for (u32 i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(bytes[i], byte_of(100000 + i));
    CHECK_EQ(fs_read(f, bytes, sizeof(bytes), BIG - 10), 10);
    CHECK_EQ(fs_write(f, "new", 3, 4096), 3);
    asked = 0;
    CHECK_EQ(fs_read(f, bytes, 4, 4096), 4);
    CHECK(memcmp(bytes, "new", 3) == 0 && bytes[3] == byte_of(4099));
    CHECK_EQ(asked, 0);
    file_put(f);
    unmount(fs);
    fs_end();
}

TEST(ninep_reads_what_is_asked_for)
{
    struct fs_context *fs = fs_begin();
    struct file *f;
    u8 byte;

    CHECK_EQ(mount_host(fs), 0);
    f = fs_open("/h/big", O_RDONLY);
    reads = 0;
    CHECK_EQ(fs_read(f, &byte, 1, 8192), 1);
    CHECK_EQ(fs_read(f, &byte, 1, 8193), 1);
    CHECK_EQ(reads, 1);
    file_put(f);
    unmount(fs);
    fs_end();
}

TEST(ninep_removed_names_stay_away)
{
    struct fs_context *fs = fs_begin();
    struct path at;

    CHECK_EQ(mount_host(fs), 0);
    CHECK_EQ(vfs_unlink(fs, NULL, "/h/big"), 0);
    CHECK_EQ(vfs_lookup(fs, NULL, "/h/big", LOOKUP_FOLLOW, &at), -ENOENT);
    fs_make("/h/big", "other");
    CHECK(fs_holds("/h/link", "other"));
    unmount(fs);
    fs_end();
}

static struct fs_context *others;

static void change_names(void)
{
    CHECK_EQ(vfs_mkdir(others, NULL, "/elsewhere", 0755), 0);
    CHECK_EQ(vfs_unlink(others, NULL, "/old"), 0);
    fs_make("/new", "others'");
}

/* While the server is asked others walk and change names; what they did counts. */
TEST(ninep_asked_without_the_tree)
{
    struct fs_context *fs = others = fs_begin();

    CHECK_EQ(mount_host(fs), 0);
    fs_make("/old", "");
    meanwhile = change_names;
    CHECK_EQ(vfs_mkdir(fs, NULL, "/h/made/", 0755), 0);
    CHECK(!meanwhile && fs_holds("/new", "others'"));
    CHECK_EQ(vfs_rename(fs, NULL, "/h/link", NULL, "/h/made/link", 0), 0);
    CHECK_EQ(vfs_rename(fs, NULL, "/old", NULL, "/h/old", 0), -EXDEV);
    CHECK_EQ(vfs_rename(fs, NULL, "/old", NULL, "/older", 0), -ENOENT);
    unmount(fs);
    fs_end();
}

TEST(ninep_damaged_answers)
{
    struct ninep_entry e;
    struct ninep_attr a;
    const u8 *bytes, *at;
    char text[100];

    mutex_lock(&ninep_lock);
    for (u32 turn = 0; turn < 3000; turn++) {
        u32 root, fid = 0, good = 0;
        ssize_t n;

        damage = false;
        CHECK_EQ(ninep_attach("", &root), 0);
        damage = true;
        if (ninep_walk(root, "big", 3, &fid) == 0 && ninep_getattr(fid, &a) == 0 &&
            ninep_open(fid) == 0)
            good = 1;
        n = ninep_read(fid, 4096 * (turn % 40), 8192, &bytes);
        CHECK(n <= 8192);
        for (ssize_t i = 0; i < n; i++)
            good += bytes[i];
        if (ninep_readlink(fid, text, sizeof(text)) == 0)
            CHECK(strlen(text) < sizeof(text));
        n = ninep_readdir(root, 0, &bytes);
        at = bytes;
        while (n > 0 && ninep_next(&at, bytes + n, &e) > 0)
            CHECK(*e.name && !strchr(e.name, '/'));
        ninep_forget(fid);
    }
    damage = false;
    mutex_unlock(&ninep_lock);
}
