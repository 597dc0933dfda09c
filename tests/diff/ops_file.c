/* SPDX-License-Identifier: MIT
 *
 * The files: two memory files that can be sealed, one that cannot, one of the temporary file
 * system. Sizes, holes, reads and writes with memory of the arena as the buffer.
 */
#include "tests/diff/diff.h"

int fds[FILES], read_only_fd;

static int temporary(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/dev/shm/diff.%d", getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        snprintf(path, sizeof(path), "/tmp/diff.%d", getpid());
        fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    }
    unlink(path);
    return fd;
}

/* Four of five pages of each file begin with a word of their own. */
static void tag(int file, size_t n)
{
    ftruncate(fds[file], (off_t)(n * P));
    for (size_t i = 0; i < n; i++) {
        uint64_t word = (uint64_t)(file + 1) << 32 | (i + 1);
        if (i % 5 != 4)
            pwrite(fds[file], &word, sizeof(word), (off_t)(i * P));
    }
    common->size[file] = (int64_t)(n * P);
}

void files_make(void)
{
    char path[64];
    fds[0] = memfd_create("a", MFD_ALLOW_SEALING);
    fds[1] = memfd_create("b", 0);
    fds[2] = temporary();
    fds[3] = memfd_create("d", MFD_ALLOW_SEALING);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[3]);
    read_only_fd = open(path, O_RDONLY);
    if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0 || fds[3] < 0 || read_only_fd < 0)
        _exit(5);
    tag(0, regime.file_pages);
    tag(1, 37);
    tag(2, regime.file_pages / 3);
    tag(3, regime.file_pages / 2);
}

static off_t some_offset(void)
{
    size_t page = pick(regime.file_pages + 8);
    return (off_t)(page * P + (pick(3) ? 0 : pick(P)));
}

void op_truncate(void)
{
    int file = (int)pick(FILES);
    off_t size = pick(40) ? some_offset() : -1;
    if (pick(2))
        size += (off_t)common->size[file] / 2;
    say(" file %d to %lld", file, (long long)size);
    if (say_result(ftruncate(fds[file], size)) == 0 && size < common->size[file])
        hit(CUT, shape_of_file(file, size, common->size[file]));
    say_file(file);
    say_contents(0, regime.pages, 10);
}

/* Ruling: FALLOC_FL_ZERO_RANGE works here on memory files. Linux does it by punching what
 * could be allocated, and allocating again. */
static int zero_range(int file, int mode, off_t from, off_t length)
{
    int seals = fcntl(fds[file], F_GET_SEALS);
    mode &= ~0x10;
    if (length > 0 && seals > 0 && (seals & (F_SEAL_WRITE | 0x10))) {
        errno = EPERM;
        return -1;
    }
    if (fallocate(fds[file], mode, from, length) || fallocate(fds[file], 3, from, length))
        return -1;
    return fallocate(fds[file], mode, from, length);
}

void op_allocate(void)
{
    static const int modes[] = {3, 3, 3, 3, 0, 1, 0x10, 0x11, 0x08, 0x20, 2, 0x40};
    int file = (int)pick(FILES), mode = modes[pick(12)];
    off_t from = some_offset(), length = (off_t)(1 + pick(pick(3) ? 8 * P : 600 * P));
    if (pick(3))
        length = (length + (off_t)P - 1) & -(off_t)P;
    if (pick(8) == 0)
        from = 0, length = (off_t)(regime.file_pages * P); /* whole leaf tables */
    if (pick(40) == 0)
        length = -(off_t)pick(2);
    say(" file %d mode %#x at %lld length %lld", file, mode, (long long)from,
        (long long)length);
    int got = !on_tessera && (mode & 0x10) ? zero_range(file, mode, from, length)
                                           : fallocate(fds[file], mode, from, length);
    if (say_result(got) == 0 && !(mode & 2))
        common->allocated[file] = true;
    if (got == 0 && (mode & 2))
        hit(PUNCH, shape_of_file(file, from, from + length));
    say_file(file);
    say_contents(0, regime.pages, 10);
}

/* Memory of the arena and a place of a file, at the same offset in their pages: when the
 * memory shows that very page, it is copied onto itself. */
static struct range some_buffer(size_t *skew, off_t *from)
{
    struct range r = pick(4) ? some_small_range() : some_range();
    *skew = pick(3) ? 0 : pick(P);
    *from = (some_offset() & -(off_t)P) + (off_t)*skew;
    if (r.n > 64)
        r.n = 64;
    return r;
}

void op_pread(void)
{
    size_t skew;
    off_t from;
    int file = (int)pick(FILES);
    struct range r = some_buffer(&skew, &from);
    size_t length = r.n * P - (pick(2) ? skew : 0);
    if (r.at + r.n >= PAGES)
        length = r.n * P - skew;
    say(" file %d at %lld to +%zu %zu", file, (long long)from, r.at, length);
    say_result(pread(fds[file], ARENA + r.at * P + skew, length, from));
    say_contents(r.at, r.n, 6);
}

/* Ruling: where the buffer ends early, Linux leaves a fresh page, and the size of the file as
 * if nothing were something. */
static void forget_failure(int file, off_t from, size_t length, long n)
{
    off_t end = (from + (off_t)length + (off_t)P - 1) & -(off_t)P;
    from += n > 0 ? n : 0;
    fallocate(fds[file], 3, from & -(off_t)P, end - (from & -(off_t)P));
    if (n <= 0 && from > common->size[file])
        ftruncate(fds[file], common->size[file]);
}

void op_pwrite(void)
{
    size_t skew;
    off_t from;
    int file = (int)pick(FILES);
    struct range r = some_buffer(&skew, &from);
    size_t length = r.n * P - skew - pick(2) * pick(P - skew);
    say(" file %d at %lld from +%zu %zu", file, (long long)from, r.at, length);
    bool sealed = fcntl(fds[file], F_GET_SEALS) > F_SEAL_SEAL;
    for (size_t i = r.at; i < r.at + r.n; i++) {
        if (!readable(i) &&
            (sealed || (pages[i].kind != HOLE && pages[i].file == file))) {
            /* The size that grows for nothing brings the buffer to life, or is there for
             * good. */
            say(" ruling");
            return;
        }
    }
    long n = say_result(pwrite(fds[file], ARENA + r.at * P + skew, length, from));
    if (n < (long)length)
        forget_failure(file, from, length, n);
    say_file(file);
    say_contents(0, regime.pages, 8);
}

void op_seek(void)
{
    int file = (int)pick(FILES), whence = pick(2) ? SEEK_DATA : SEEK_HOLE;
    off_t from = some_offset();
    if (common->allocated
            [file]) { /* Ruling: what is allocated and unwritten is data here */
        say(" ruling");
        return;
    }
    say(" file %d %s at %lld", file, whence == SEEK_DATA ? "data" : "hole",
        (long long)from);
    say_result(lseek(fds[file], from, whence));
}

void op_seal_file(void)
{
    static const int seals[] = {
        F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, 0x10, F_SEAL_SHRINK | F_SEAL_GROW,
        F_SEAL_SEAL,   0x400};
    int file = (int)pick(FILES), seal = seals[pick(7)];
    if (file == 0 && pick(4)) { /* the largest file stays of use */
        say(" none");
        return;
    }
    say(" file %d seals %#x", file, seal);
    say_result(fcntl(fds[file], F_ADD_SEALS, seal));
    say_result(fcntl(fds[file], F_GET_SEALS));
}
