/* SPDX-License-Identifier: MIT
 *
 * The cpio reader and the unpacking of the initramfs: good archives, every truncation, every
 * wrong field, bytes changed at random. Archives are allocated to the byte.
 */
#include <stdlib.h>

#include "fs/dentry.h"
#include "fs/initramfs/cpio.h"
#include "fs/initramfs/initramfs.h"
#include "fs/namei.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "tests/host/fstest.h"

static u8 archive[4 << 20];
static size_t len;
static size_t pad_names; /* more NULs behind each name */
static bool sums;
static u32 wrong_sum;
static char odd_names[2][5001];

static void begin_archive(void)
{
    len = 0;
}

struct entry {
    const char *name;
    u32 mode;
    const char *data;
    u32 ino, nlink;
};

static u32 sum_of(const char *data, size_t n)
{
    u32 sum = wrong_sum;

    while (sums && n--)
        sum += (u8)data[n];
    return sum;
}

static void add(const struct entry *e)
{
    size_t data_len = e->data ? strlen(e->data) : 0;
    size_t name_len = *e->name ? strlen(e->name) + 1 : 0;

    len += (size_t)fmt_snprintf(
        (char *)archive + len, sizeof(archive) - len,
        "07070%d%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", sums ? 2 : 1,
        e->ino, e->mode, 0, 0, e->nlink ? e->nlink : 1, 0x1000, data_len, 8, 1, 0, 0,
        name_len + pad_names, data_len ? sum_of(e->data, data_len) : 0);
    memcpy(archive + len, e->name, name_len);
    len += name_len;
    memset(archive + len, 0, pad_names);
    len += pad_names;
    while (len % 4)
        archive[len++] = 0;
    if (data_len)
        memcpy(archive + len, e->data, data_len);
    len += data_len;
    while (len % 4)
        archive[len++] = 0;
}

#define ADD(n, m)         add(&(struct entry){.name = n, .mode = m})
#define ADD_DATA(n, m, d) add(&(struct entry){.name = n, .mode = m, .data = d})
#define ADD_NAMES(n, m, d, i, l) \
    add(&(struct entry){.name = n, .mode = m, .data = d, .ino = i, .nlink = l})

static void add_trailer(void)
{
    ADD("TRAILER!!!", 0);
}

static void good_archive(void)
{
    begin_archive();
    ADD(".", S_IFDIR | 0755);
    ADD("dir", S_IFDIR | 0750);
    ADD_DATA("dir/file", S_IFREG | 0640, "hello");
    ADD_DATA("/abs//deep/er/file", S_IFREG | 0644, "parents are made");
    ADD_DATA("link", S_IFLNK | 0777, "dir/file");
    ADD_NAMES("one", S_IFREG | 0600, NULL, 77, 2);
    ADD_NAMES("two", S_IFREG | 0600, "data with the last name", 77, 2);
    ADD("empty", S_IFREG | 0444);
    add_trailer();
}

static int unpack(struct fs_context *fs, size_t n)
{
    u8 *exact = malloc(n ? n : 1);
    int err;

    memcpy(exact, archive, n);
    err = initramfs_unpack(fs, exact, n);
    free(exact);
    return err;
}

TEST(cpio_good)
{
    struct fs_context *fs = fs_begin();
    struct path p;

    good_archive();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK(fs_holds("/dir/file", "hello") && fs_holds("/link", "hello"));
    CHECK(fs_holds("/abs/deep/er/file", "parents are made"));
    CHECK(fs_holds("/one", "data with the last name") && fs_holds("/empty", ""));
    CHECK_EQ(vfs_lookup(fs, NULL, "/one", 0, &p), 0);
    CHECK_EQ(p.dentry->inode->nlink, 2);
    CHECK_EQ(p.dentry->inode->mode, S_IFREG | 0600);
    path_put(&p);
    CHECK_EQ(vfs_lookup(fs, NULL, "/dir", 0, &p), 0);
    CHECK_EQ(p.dentry->inode->mode, S_IFDIR | 0750);
    path_put(&p);
    fs_end();
}

TEST(cpio_later_entries_replace)
{
    struct fs_context *fs = fs_begin();

    begin_archive();
    ADD_DATA("a", S_IFREG | 0644, "old");
    ADD_DATA("d/x", S_IFREG | 0644, "kept");
    add_trailer();
    len += 512; /* zeros between two archives */
    len -= len % 4;
    ADD_DATA("a", S_IFREG | 0644, "new");
    ADD("d", S_IFDIR | 0700);
    add_trailer();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK(fs_holds("/a", "new") && fs_holds("/d/x", "kept"));
    fs_end();
}

/* An entry that cannot be made is left out, and only that. */
TEST(cpio_odd_entries_cost_only_themselves)
{
    static const struct entry bad[] = {
        {"x", 0, NULL, 1, 1},
        {"x", S_IFLNK | 0777, NULL, 1, 1},
        {"keep/x", S_IFREG | 0644, "no dir", 1, 1},
        {"dir", S_IFREG | 0644, "full", 1, 1},
        {".", S_IFREG | 0644, "root", 1, 1},
        {"", S_IFREG | 0644, "no name", 1, 1},
        {odd_names[0], S_IFREG | 0644, "a component of 300", 1, 1},
        {odd_names[1], S_IFREG | 0644, "a name of 5000", 1, 1},
        {odd_names[1], S_IFDIR | 0755, NULL, 1, 1},
    };
    struct fs_context *fs = fs_begin();

    memset(odd_names[0], 'n', 300);
    for (size_t i = 0; i < 5000; i++)
        odd_names[1][i] = i % 2 ? '/' : 'n';
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        begin_archive();
        ADD_DATA("keep", S_IFREG | 0644, "good");
        ADD_DATA("dir/inside", S_IFREG | 0644, "good");
        add(&bad[i]);
        ADD_DATA("after", S_IFREG | 0644, "made");
        add_trailer();
        if (unpack(fs, len) != -EINVAL)
            FAIL("case %zu is accepted", i);
        CHECK(fs_holds("/keep", "good") && fs_holds("/after", "made"));
        CHECK_EQ(fs_count(), 4);
        fs_remove_all();
    }
    fs_end();
}

TEST(cpio_dotdot_is_the_parent)
{
    struct fs_context *fs = fs_begin();

    begin_archive();
    ADD_DATA("../x", S_IFREG | 0644, "in the root");
    ADD_DATA("d/../../y", S_IFREG | 0644, "too");
    add_trailer();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK(fs_holds("/x", "in the root") && fs_holds("/y", "too"));
    fs_end();
}

/* The kernel's own tool pads names with NULs so that data lies well. */
TEST(cpio_padded_names)
{
    struct fs_context *fs = fs_begin();

    begin_archive();
    pad_names = 200;
    ADD_DATA("a", S_IFREG | 0644, "one");
    ADD("d", S_IFDIR | 0755);
    ADD_DATA("l", S_IFLNK | 0777, "a");
    add_trailer();
    pad_names = 0;
    CHECK_EQ(unpack(fs, len), 0);
    CHECK(fs_holds("/a", "one") && fs_holds("/l", "one"));
    fs_end();
}

static void check_ino(struct fs_context *fs, const char *name, u32 mode, u32 nlink)
{
    struct path p;

    CHECK_EQ(vfs_lookup(fs, NULL, name, 0, &p), 0);
    CHECK_EQ(p.dentry->inode->mode, mode);
    CHECK_EQ(p.dentry->inode->nlink, nlink);
    path_put(&p);
}

TEST(cpio_links_of_all_kinds)
{
    struct fs_context *fs = fs_begin();

    begin_archive();
    ADD_NAMES("first", S_IFREG | 0600, "data with the first name", 7, 3);
    ADD_NAMES("second", S_IFREG | 0600, NULL, 7, 3);
    ADD_NAMES("fifo", S_IFIFO | 0600, NULL, 7, 2); /* another kind, another file */
    ADD_NAMES("fifo2", S_IFIFO | 0600, NULL, 7, 2);
    ADD_NAMES("second", S_IFREG | 0600, NULL, 7, 3); /* again */
    ADD_NAMES("first", S_IFREG | 0600, NULL, 7, 3);
    add_trailer();
    ADD_NAMES("third", S_IFREG | 0600, "another file: a new archive", 7, 2);
    add_trailer();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK(fs_holds("/first", "data with the first name"));
    CHECK(fs_holds("/second", "data with the first name"));
    check_ino(fs, "/first", S_IFREG | 0600, 2);
    check_ino(fs, "/fifo2", S_IFIFO | 0600, 2);
    check_ino(fs, "/third", S_IFREG | 0600, 1);
    fs_end();
}

TEST(cpio_times_of_directories)
{
    struct fs_context *fs = fs_begin();
    struct path p;

    begin_archive();
    ADD("d", S_IFDIR | 0755);
    ADD_DATA("d/later", S_IFREG | 0644, "changes the time of d");
    add_trailer();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK_EQ(vfs_lookup(fs, NULL, "/d", 0, &p), 0);
    CHECK_EQ(p.dentry->inode->mtime_ns, 0x1000 * 1000000000ull);
    path_put(&p);
    fs_end();
}

/* With sums, as GNU cpio's -H crc writes them: a wrong one is told, the rest is made. */
TEST(cpio_checksums)
{
    struct fs_context *fs = fs_begin();

    for (int wrong = 0; wrong < 2; wrong++) {
        begin_archive();
        sums = true;
        wrong_sum = wrong;
        ADD_DATA("a", S_IFREG | 0644, "data");
        wrong_sum = 0;
        ADD_DATA("b", S_IFREG | 0644, "more");
        add_trailer();
        sums = false;
        CHECK_EQ(unpack(fs, len), wrong ? -EINVAL : 0);
        CHECK(fs_holds("/b", "more"));
        fs_remove_all();
    }
    fs_end();
}

TEST(cpio_without_trailer)
{
    struct fs_context *fs = fs_begin();

    begin_archive();
    ADD_DATA("a", S_IFREG | 0644, "as on Linux");
    CHECK_EQ(unpack(fs, len), 0);
    CHECK(fs_holds("/a", "as on Linux"));
    fs_end();
}

/* Each level once more for each entry below would be a number of steps that nobody waits
 * for: 900 levels, all of them listed. */
TEST_LIMIT(cpio_deep, 20)
{
    static char name[1802];
    struct fs_context *fs = fs_begin();

    begin_archive();
    for (size_t n = 2; n < 1800; n += 2) {
        name[n - 2] = 'd';
        name[n - 1] = 0;
        add(&(struct entry){.name = name, .mode = S_IFDIR | 0755});
        name[n - 1] = '/';
    }
    add_trailer();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK_EQ(fs_count(), 899);
    fs_remove_all();
    begin_archive(); /* the deepest only: its parents are made */
    add(&(struct entry){.name = name, .mode = S_IFDIR | 0755});
    add_trailer();
    CHECK_EQ(unpack(fs, len), 0);
    CHECK_EQ(fs_count(), 899);
    fs_end();
}

TEST(cpio_truncated_anywhere)
{
    struct fs_context *fs = fs_begin();
    size_t whole, unpacked = 0;

    good_archive();
    whole = len;
    for (size_t n = 0; n < whole; n++) {
        unpacked += unpack(fs, n) == 0;
        fs_remove_all();
    }
    /* Between two entries it may end, and in the padding behind data or a name. */
    CHECK(unpacked >= 8 && unpacked <= 8 * 4);
    fs_end();
}

TEST(cpio_reader_fields)
{
    static const char *const values[] = {"00000000", "00000001", "ffffffff", "80000000",
                                         "0000000g", "        ", "+0000001", "7fffffff"};
    struct cpio_entry e;

    for (int field = 0; field < CPIO_FIELDS; field++)
        for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
            struct cpio c;
            u8 *exact;
            int err;

            begin_archive();
            ADD_DATA("name", S_IFREG | 0644, "twelve bytes");
            memcpy(archive + 6 + 8 * field, values[v], 8);
            exact = malloc(len);
            memcpy(exact, archive, len);
            c = (struct cpio){.archive = exact, .len = len};
            err = cpio_next(&c, &e);
            if (strspn(values[v], "0123456789abcdef") != 8)
                CHECK_EQ(err, -EINVAL);
            else if (field == CPIO_NAMESIZE)
                CHECK(err == -EINVAL || e.odd); /* none of them is 5 */
            else if (field == CPIO_FILESIZE)
                CHECK_EQ(err, v > 1 ? -EINVAL : 0);
            else
                CHECK_EQ(err, 0);
            CHECK(err == 0 || c.cause);
            CHECK(c.at <= len);
            free(exact);
        }
}

TEST(cpio_compressed_or_foreign)
{
    struct fs_context *fs = fs_begin();

    memcpy(archive, "\x1f\x8b\x08", 3);
    CHECK_EQ(unpack(fs, 1000), -EINVAL);
    memset(archive, 0, 1000);
    CHECK_EQ(unpack(fs, 1000), -EINVAL);
    memcpy(archive, "070707", 6);
    CHECK_EQ(unpack(fs, 1000), -EINVAL);
    good_archive();
    memcpy(archive + len, "garbage", 7);
    CHECK_EQ(unpack(fs, len + 7), -EINVAL);
    CHECK(fs_holds("/dir/file", "hello"));
    fs_end();
}

TEST_LIMIT(cpio_random_bytes, 120)
{
    struct fs_context *fs = fs_begin();

    for (int round = 0; round < 4000; round++) {
        good_archive();
        for (u64 k = 1 + test_rand() % 4; k-- > 0;) {
            static const char likely_bytes[] = "0123456789abcdefABC/.\0";
            size_t at = test_rand() % len;

            archive[at] =
                test_rand() % 4 ? (u8)likely_bytes[test_rand() % 22] : (u8)test_rand();
        }
        (void)unpack(fs, len);
        fs_remove_all();
    }
    fs_end();
}
