/* SPDX-License-Identifier: MIT
 *
 * The cpio reader and the unpacking of the initramfs: good archives, every truncation, every
 * wrong field, bytes changed at random. Archives are allocated to the byte.
 */
#include <stdlib.h>

#include "fs/cpio.h"
#include "fs/dentry.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "tests/host/fstest.h"

static u8 archive[1 << 16];
static size_t len;

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

static void add(const struct entry *e)
{
    size_t data_len = e->data ? strlen(e->data) : 0, name_len = strlen(e->name) + 1;

    len += (size_t)fmt_snprintf(
        (char *)archive + len, sizeof(archive) - len,
        "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", e->ino, e->mode,
        0, 0, e->nlink ? e->nlink : 1, 0x1000, data_len, 8, 1, 0, 0, name_len, 0);
    memcpy(archive + len, e->name, name_len);
    len += name_len;
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

TEST(cpio_refused_and_what_stays)
{
    static const struct entry bad[] = {
        {"../x", S_IFREG | 0644, "out", 1, 1}, {"d/../../x", S_IFREG | 0644, "out", 1, 1},
        {"d/..", S_IFDIR | 0755, NULL, 1, 1},  {"x", 0, NULL, 1, 1},
        {"x", S_IFLNK | 0777, NULL, 1, 1},     {"keep/x", S_IFREG | 0644, "no dir", 1, 1},
        {"dir", S_IFREG | 0644, "full", 1, 1}, {".", S_IFREG | 0644, "root", 1, 1},
    };
    struct fs_context *fs = fs_begin();

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        begin_archive();
        ADD_DATA("keep", S_IFREG | 0644, "good");
        ADD_DATA("dir/inside", S_IFREG | 0644, "good");
        add(&bad[i]);
        ADD_DATA("after", S_IFREG | 0644, "never");
        add_trailer();
        if (unpack(fs, len) != -EINVAL)
            FAIL("case %zu is accepted", i);
        CHECK(fs_holds("/keep", "good"));
        CHECK_EQ(fs_count(), 3);
        fs_remove_all();
    }
    fs_end();
}

TEST(cpio_truncated_anywhere)
{
    struct fs_context *fs = fs_begin();
    size_t whole;

    good_archive();
    whole = len;
    for (size_t n = 0; n < whole; n++) {
        int err = unpack(fs, n);

        /* Only the padding behind the trailer's name may be missing. */
        if (err != -EINVAL && !(err == 0 && whole - n < 4))
            FAIL("%zu of %zu bytes are accepted", n, whole);
        fs_remove_all();
    }
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
                CHECK_EQ(err, -EINVAL); /* none of them is 5 */
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
