/* SPDX-License-Identifier: MIT
 *
 * /dev/fb0: what it says of itself, reading and writing, and its memory as a shared mapping,
 * rearranged too. Skipped where there is no framebuffer (or no right to use it).
 */
#include "tests/user/t.h"
#include "user/include/fb.h"
#include <sys/ioctl.h>

static struct fb_var_screeninfo var;
static struct fb_fix_screeninfo fix;

/* Opens it and asks both descriptions. */
static int screen(void)
{
    int fd = open("/dev/fb0", O_RDWR);

    if (fd < 0)
        SKIP("no /dev/fb0: %s", strerror(errno));
    OK(ioctl(fd, FBIOGET_VSCREENINFO, &var));
    OK(ioctl(fd, FBIOGET_FSCREENINFO, &fix));
    return fd;
}

TEST(fb_info, "the two descriptions fit together")
{
    struct stat st;
    int fd = screen();

    OK(fstat(fd, &st));
    CHECK(S_ISCHR(st.st_mode));
    EQ(st.st_rdev, 29 << 8);
    CHECK(var.bits_per_pixel == 24 || var.bits_per_pixel == 32);
    CHECK(var.xres_virtual >= var.xres && var.yres_virtual >= var.yres);
    CHECK(fix.line_length >= var.xres * var.bits_per_pixel / 8);
    CHECK(fix.smem_len >= fix.line_length * var.yres);
    EQ(fix.type, FB_TYPE_PACKED_PIXELS);
    EQ(fix.visual, FB_VISUAL_TRUECOLOR);
    CHECK(var.red.length && var.green.length && var.blue.length);
    ERR(ioctl(fd, FBIOGET_VSCREENINFO, NULL), EFAULT);
    ERR(ioctl(fd, 0x46ff, &var), ENOTTY);
    ERR(open("/dev/fb1", O_RDWR), ENOENT);
}

TEST(fb_mode, "the present mode can be set, panned to and unblanked")
{
    struct fb_var_screeninfo want;
    int fd = screen();

    want = var;
    OK(ioctl(fd, FBIOPUT_VSCREENINFO, &want));
    EQ(want.xres, var.xres);
    OK(ioctl(fd, FBIOPAN_DISPLAY, &want));
    OK(ioctl(fd, FBIOBLANK, FB_BLANK_UNBLANK));
    if (!t_tessera)
        return; /* drivers of Linux differ in what they take */
    want.xres /= 2;
    ERR(ioctl(fd, FBIOPUT_VSCREENINFO, &want), EINVAL);
    want = var;
    want.bits_per_pixel = 16;
    ERR(ioctl(fd, FBIOPUT_VSCREENINFO, &want), EINVAL);
    want = var;
    want.yoffset = 1;
    ERR(ioctl(fd, FBIOPAN_DISPLAY, &want), EINVAL);
    ERR(ioctl(fd, FBIOBLANK, FB_BLANK_POWERDOWN), EINVAL);
    ERR(ioctl(fd, FBIOPUT_VSCREENINFO, NULL), EFAULT);
}

TEST(fb_file, "read, write and seek like a file with an end")
{
    int fd = screen();
    off_t end = (off_t)fix.line_length * var.yres;
    char old[64], now[64];

    EQ(pread(fd, old, sizeof(old), fix.line_length - 30), sizeof(old));
    memset(now, 0x5a, sizeof(now));
    EQ(pwrite(fd, now, sizeof(now), fix.line_length - 30), sizeof(now));
    memset(now, 0, sizeof(now));
    EQ(pread(fd, now, sizeof(now), fix.line_length - 30), sizeof(now));
    for (size_t i = 0; i < sizeof(now); i++)
        EQ(now[i], 0x5a);
    EQ(pwrite(fd, old, sizeof(old), fix.line_length - 30), sizeof(old));
    EQ(lseek(fd, 8, SEEK_SET), 8);
    EQ(lseek(fd, 8, SEEK_CUR), 16);
    ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    if (!t_tessera)
        return; /* the end of Linux' devices is that of their memory */
    EQ(pread(fd, old, sizeof(old), end), 0);
    EQ(pread(fd, old, sizeof(old), end - 10), 10);
    EQ(pwrite(fd, old, sizeof(old), end - 10), 10);
    ERR(pwrite(fd, old, 1, end), ENOSPC);
    ERR(pwrite(fd, old, 1, end + 1), EFBIG);
    ERR(ftruncate(fd, 0), EINVAL);
    ERR(pread(fd, (void *)8, 16, 0), EFAULT);
    ERR(pwrite(fd, (void *)8, 16, 0), EFAULT);
}

TEST(fb_mmap, "a shared mapping is the same memory, and outlives the descriptor")
{
    int fd = screen(), other = open("/dev/fb0", O_RDWR);
    uint32_t seen;

    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OK(close(fd));
    *(volatile uint32_t *)(A + P) = 0x00123456;
    EQ(pread(other, &seen, 4, P), 4);
    EQ(seen, 0x00123456);
    seen = 0x00654321;
    EQ(pwrite(other, &seen, 4, 2 * P), 4);
    EQ(*(volatile uint32_t *)(A + 2 * P), 0x00654321);
    CHILD(*(volatile uint32_t *)(A + 4) = 77);
    EQ(*(volatile uint32_t *)(A + 4), 77);
    fd = open("/dev/fb0", O_RDONLY);
    CHECK(mmap(NULL, P, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
    if (t_tessera)
        ERR(madvise(A, P, MADV_REMOVE), EPERM);
}

TEST_DIFF(fb_remap, "fb0: ordinary pages",
          "remap_file_pages rearranges the screen's memory")
{
    int fd = screen();

    A = t_map(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (size_t i = 0; i < 16; i++)
        put(i, i);
    t_reverse(16, 0);
    REVERSED(16);
    EQ(t_lines(A, 16), 1);
    put(0, 99); /* shows page 15 */
    EQ(t_tag_in_file(fd, 15), 99);
    R(0, 16, 0);
    EQ(tag(15), 99);
}

TEST_DIFF(fb_private, "fb0: ordinary pages", "a private mapping keeps its writes")
{
    int fd = screen();

    A = t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    put(0, 0);
    unsigned char *own = t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    *(volatile uint64_t *)own = 5;
    EQ(tag(0), 0);
}

TEST_DIFF(fb_end, "fb0: ordinary pages", "behind its end a mapping raises SIGBUS")
{
    int fd = screen();
    size_t n = fix.smem_len / P;
    void *moved;

    EQ(fix.smem_start, 0);
    EQ(fix.smem_len % P, 0);
    A = t_map(NULL, n + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    put(n - 1, 3);
    BUS_AT(n);
    moved = mremap(A, (n + 1) * P, n * P, 0);
    CHECK(moved == A);
    moved = mmap(NULL, n * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(moved != MAP_FAILED);
    A = mremap(A, n * P, n * P, MREMAP_MAYMOVE | MREMAP_FIXED, moved);
    CHECK(A == moved);
    EQ(tag(n - 1), 3);
}

TEST(fb_stays, "what was drawn is there for the next one who looks")
{
    int fd = screen();
    uint32_t seen;

    A = t_map(NULL, 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *(volatile uint32_t *)(A + P + 16) = 0x00abcdef;
    OK(munmap(A, 2 * P));
    OK(close(fd));
    fd = open("/dev/fb0", O_RDONLY);
    EQ(pread(fd, &seen, 4, P + 16), 4);
    EQ(seen, 0x00abcdef);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
