/* SPDX-License-Identifier: MIT
 *
 * What exec accepts and what it refuses, as Linux does: odd but valid programs, interpreters,
 * scripts, files that are no programs, and which of several mistakes is told.
 */
#include "tests/user/t_image.h"
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

/* exit_group(the byte at peek_at), after writing peek_value there if it is not 0. */
__asm__(
    ".pushsection .rodata\n"
    "code_peek: movq peek_at(%rip), %rsi; movb peek_value(%rip), %al; testb %al, %al\n"
    "jz 1f; movb %al, (%rsi)\n"
    "1: movzbl (%rsi), %edi; movl $231, %eax; syscall; ud2\n"
    "peek_at: .quad 0\n"
    "peek_value: .byte 0\n"
    "code_peek_end:\n"
    /* exit_group(bits 12 to 19 of where it runs) */
    "code_place: leaq code_place(%rip), %rdi; shrq $12, %rdi; movzbl %dil, %edi\n"
    "movl $231, %eax; syscall; ud2\n"
    "code_place_end:\n"
    ".popsection");
extern const unsigned char code_peek[], peek_at[], peek_value[], code_peek_end[];
extern const unsigned char code_place[], code_place_end[];

static unsigned char file[8 * P]; /* page k is filled with k, from page 1 on */

static void fresh_peek(uint64_t at, unsigned char value)
{
    fresh(code_peek, code_peek_end);
    memcpy(img.code + (peek_at - code_peek), &at, sizeof(at));
    img.code[peek_value - code_peek] = value;
}

static Elf64_Phdr load(uint64_t offset, uint64_t va, uint64_t filesz, uint64_t memsz,
                       uint32_t flags)
{
    return (Elf64_Phdr){.p_type = PT_LOAD,
                        .p_flags = flags,
                        .p_offset = offset,
                        .p_vaddr = va,
                        .p_filesz = filesz,
                        .p_memsz = memsz,
                        .p_align = P};
}

/* The image with npages of tagged pages. */
static int run_file(size_t npages)
{
    for (size_t i = 0; i < sizeof(file); i++)
        file[i] = (unsigned char)(i / P);
    memcpy(file, &img, sizeof(img));
    write_image(file, npages * P);
    return run();
}

TEST(loads_order, "segments in descending order")
{
    fresh_peek(BASE - 0x10000 + 7, 0);
    img.e.e_phnum = 3;
    img.p[1] = load(3 * P, BASE - 0x10000, P, P, PF_R);
    img.p[2] = load(2 * P, BASE + 0x10000, P, P, PF_R);
    EQ(run_file(4), 1003);
    img.p[2] = img.p[0];
    img.p[0] = load(4 * P, BASE + 0x200000, P, 3 * P, PF_R | PF_W);
    EQ(run_file(5), 1003);
}

/* Linux lays the stack elsewhere each time and mostly runs it; here it lies in the way. */
TEST(loads_stack,
     "a segment where the stack goes: refused or run, and nothing else harmed")
{
    fresh_peek(BASE, 0);
    img.e.e_phnum = 2;
    img.p[1] = load(3 * P, 0x7fffff000000UL - 8 * P, P, P, PF_R);
    int result = run_file(4);
    CHECK(result == ENOMEM || result >= 1000);
    img.p[1] = load(3 * P, 0x7fffff000000UL - 200 * P, P, 180 * P, PF_R | PF_W);
    result = run_file(4);
    CHECK(result == ENOMEM || result >= 1000);
}

TEST(loads_overlap, "a later segment lies over an earlier one")
{
    fresh_peek(BASE + 2 * P, 0);
    img.e.e_phnum = 2;
    img.p[0] = load(0, BASE, 4 * P, 4 * P, PF_R | PF_X);
    EQ(run_file(4), 1002);
    img.p[1] = load(3 * P, BASE + P, 2 * P, 2 * P, PF_R);
    EQ(run_file(5), 1004);
    img.p[1] =
        load(3 * P + 0x800, BASE + P + 0x800, 0x900, 0x900, PF_R); /* share a page */
    EQ(run_file(5), 1004);
    img.p[1] = img.p[0];
    EQ(run_file(5), 1002);
}

TEST(loads_eof, "a segment longer than its file: SIGBUS where it is touched")
{
    fresh_peek(BASE + P - 1, 0);
    img.p[0] = load(0, BASE, 16 * P, 20 * P, PF_R | PF_X);
    EQ(run_image(), 1000);
    fresh_peek(BASE + P, 0);
    img.p[0] = load(0, BASE, 16 * P, 20 * P, PF_R | PF_X);
    EQ(run_image(), 2000 + SIGBUS);
    fresh_peek(BASE + 17 * P, 9);
    img.p[0] = load(0, BASE, 16 * P, 20 * P, PF_R | PF_X | PF_W);
    EQ(run_image(), 1009);
    fresh_peek(BASE + 0x100000, 0); /* a segment that lies wholly behind the end */
    img.e.e_phnum = 2;
    img.p[1] = load(64 * P, BASE + 0x100000, P, P, PF_R);
    EQ(run_image(), 2000 + SIGBUS);
}

TEST(loads_bss, "memory behind the file part of a segment without PF_W")
{
    fresh_peek(BASE + 0x100000 + 2 * P, 5); /* can be written all the same */
    img.e.e_phnum = 2;
    img.p[1] = load(P, BASE + 0x100000, 0x1400, 4 * P, PF_R);
    EQ(run_file(4), 1005);
    fresh_peek(BASE + 0x100000 + 0x1800, 0); /* the last page keeps the file's bytes */
    img.e.e_phnum = 2;
    img.p[1] = load(P, BASE + 0x100000, 0x1400, 4 * P, PF_R);
    EQ(run_file(4), 1002);
    img.p[1].p_flags |= PF_W; /* in a segment with it they are zero */
    EQ(run_file(4), 1000);
}

TEST(loads_no_file, "a segment without a file part takes whole pages")
{
    fresh_peek(BASE + 0x100000, 0);
    img.e.e_phnum = 3;
    img.p[1] = load(2 * P, BASE + 0x100000, P, P, PF_R);
    img.p[2] = load(0x123, BASE + 0x100000 + 0x800, 0, 0x10, PF_R | PF_W);
    EQ(run_file(4), 1000);
    img.p[2].p_memsz = 0; /* nothing of it at all */
    EQ(run_file(4), 1002);
}

TEST(loads_align, "odd alignments count for nothing, great ones are kept")
{
    static const uint64_t odd[] = {0, 1, 3, 12345, ~0UL, 1UL << 21};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        fresh_peek(BASE, 0);
        img.p[0].p_align = odd[i];
        EQ(run_image(), 1127);
    }
    fresh(code_place, code_place_end);
    img.e.e_type = ET_DYN;
    img.p[0].p_vaddr = 0;
    img.p[0].p_align = 1UL << 20;
    img.e.e_entry -= BASE;
    EQ(run_image(), 1000);
}

TEST(idents, "class and byte order in the ident are not asked")
{
    fresh_peek(BASE, 0);
    img.e.e_ident[EI_CLASS] = ELFCLASS32;
    EQ(run_image(), 1127);
    img.e.e_ident[EI_DATA] = ELFDATA2MSB;
    img.e.e_version = 77;
    img.e.e_ehsize = 3;
    EQ(run_image(), 1127);
}

/* ---- interpreters ---- */

static void ask_interp(const char *name, size_t size)
{
    fresh_peek(BASE, 0);
    img.e.e_phnum = 2;
    memcpy(img.code + 256, name, size);
    img.p[1] = (Elf64_Phdr){.p_type = PT_INTERP,
                            .p_offset = offsetof(struct image, code) + 256,
                            .p_filesz = size,
                            .p_memsz = size};
}

static int run_interp(const char *name)
{
    ask_interp(name, strlen(name) + 1);
    return run_image();
}

/* "interp": exits with 42, with changes of the caller's. */
static void make_interp(void (*change)(void), size_t size, mode_t mode)
{
    fresh_peek(BASE + offsetof(struct image, code) + 300, 0);
    img.e.e_type = ET_DYN;
    img.e.e_entry -= BASE;
    img.p[0].p_vaddr = 0;
    memcpy(img.code, "\xbf\x2a\0\0\0\xb8\xe7\0\0\0\x0f\x05", 12);
    if (change)
        change();
    unlink("interp");
    int fd = open("interp", O_WRONLY | O_CREAT, mode);
    OK(fd);
    OK(fchmod(fd, mode));
    EQ(write(fd, &img, size), (long)size);
    OK(close(fd));
}

static void as_386(void)
{
    img.e.e_ident[EI_CLASS] = ELFCLASS32;
    img.e.e_machine = EM_386;
}

static void as_text(void)
{
    memset(&img, 'x', sizeof(img));
}

static void without_table(void)
{
    img.e.e_phnum = 0;
}

static void with_own(void)
{
    img.e.e_phnum = 2;
    img.p[1] = (Elf64_Phdr){.p_type = PT_INTERP, .p_filesz = 1};
}

TEST(interp, "an interpreter by a relative name runs; its own PT_INTERP is not asked")
{
    make_interp(NULL, sizeof(img), 0755);
    EQ(run_interp("interp"), 1042);
    EQ(run_interp("./interp"), 1042);
    make_interp(with_own, sizeof(img), 0755);
    EQ(run_interp("interp"), 1042);
}

TEST(interp_bad, "interpreters that are none")
{
    EQ(run_interp("interp"), ENOENT);
    EQ(run_interp("/no/such/ld.so"), ENOENT);
    ask_interp("interp", 6);
    EQ(run_image(), ENOEXEC);
    ask_interp("", 1);
    EQ(run_image(), ENOEXEC);
    EQ(run_interp("prog/x"), ENOTDIR);
    make_interp(as_386, sizeof(img), 0755);
    EQ(run_interp("interp"), ELIBBAD);
    make_interp(as_text, sizeof(img), 0755);
    EQ(run_interp("interp"), ELIBBAD);
    make_interp(without_table, sizeof(img), 0755);
    EQ(run_interp("interp"), ELIBBAD);
    make_interp(NULL, 63, 0755);
    EQ(run_interp("interp"), EIO);
    make_interp(NULL, 64, 0755);
    EQ(run_interp("interp"), ELIBBAD);
    make_interp(NULL, sizeof(img), 0644);
    EQ(run_interp("interp"), EACCES);
    ask_interp("x", 2);
    img.p[1].p_offset = 1UL << 40;
    EQ(run_image(), EIO);
    img.p[1].p_offset = 0UL - P;
    EQ(run_image(), EINVAL);
    img.p[1].p_offset = (1UL << 63) - 2;
    EQ(run_image(), EINVAL);
    make_interp(NULL, sizeof(img), 0755);
    int fd = open("interp", O_WRONLY);
    OK(fd);
    EQ(run_interp("interp"), ETXTBSY);
    OK(close(fd));
}

TEST(no_files, "a FIFO, device, directory or socket is no program: EACCES, at once")
{
    OK(mkfifo("fifo", 0777));
    OK(mkdir("dir", 0777));
    OK(symlink("fifo", "link"));
    static const char *const names[] = {"fifo", "dir", "link", "/dev/null", ".", "sock"};
    int made = mknod("sock", S_IFSOCK | 0777, 0);
    for (size_t i = 0; i < 5 + (made == 0); i++) {
        char *argv[] = {"x", NULL};
        CHILD(alarm(5); ERR(execve(names[i], argv, argv + 1), EACCES));
        EQ(run_interp(names[i]), EACCES);
        unlink("prog");
        int fd = open("prog", O_WRONLY | O_CREAT | O_TRUNC, 0755);
        dprintf(fd, "#!%s\n", names[i]);
        OK(close(fd));
        EQ(run(), EACCES);
        unlink("prog");
    }
}

/* ---- which mistake is told ---- */

static char **volatile bad_array = (char **)8;
#define BAD bad_array

TEST(order, "what is wrong with the file comes before what is wrong with the arrays")
{
    char *argv[] = {"x", NULL}, *badv[] = {(char *)8, NULL};
    t_make("plain", "text");
    ERR(execve("missing", BAD, BAD), ENOENT);
    ERR(execve("missing", badv, badv), ENOENT);
    ERR(execve("", BAD, BAD), ENOENT);
    ERR(execve("plain/x", BAD, argv), ENOTDIR);
    ERR(execve("plain", BAD, argv), EACCES);
    ERR(execve((char *)BAD, BAD, BAD), EFAULT);
    OK(chmod("plain", 0755));
    ERR(execve("plain", BAD, argv), ETXTBSY); /* t_make's descriptor can write */
    write_image("x", 1);
    ERR(execve("prog", BAD, argv), EFAULT);
    ERR(execve("prog", argv, BAD), EFAULT);
    ERR(execve("prog", badv, argv), EFAULT);
    ERR(execve("prog", argv, badv), EFAULT);
    ERR(execve("prog", argv, argv), ENOEXEC);
}

static long execveat_(int fd, const char *name, char **argv, int flags)
{
    return syscall(SYS_execveat, fd, name, argv, argv + 1, flags);
}

TEST(execveat, "execveat: descriptors, flags, what comes first")
{
    char *argv[] = {"x", NULL};
    write_image("x", 1);
    int fd = open("prog", O_RDONLY), dir = open(".", O_RDONLY),
        path = open("prog", O_PATH);
    OK(symlink("prog", "link"));
    ERR(execveat_(AT_FDCWD, (char *)8, argv, 0x40000000), EFAULT);
    ERR(execveat_(AT_FDCWD, "missing", argv, 0x40000000), EINVAL);
    ERR(execveat_(AT_FDCWD, "", argv, 0), ENOENT);
    ERR(execveat_(AT_FDCWD, "", argv, AT_EMPTY_PATH), EACCES);
    ERR(execveat_(dir, "", argv, AT_EMPTY_PATH), EACCES);
    ERR(execveat_(9999, "", argv, AT_EMPTY_PATH), EBADF);
    ERR(execveat_(9999, "prog", argv, 0), EBADF);
    ERR(execveat_(fd, "prog", argv, 0), ENOTDIR);
    ERR(execveat_(fd, "", argv, AT_EMPTY_PATH), ENOEXEC);
    ERR(execveat_(path, "", argv, AT_EMPTY_PATH), ENOEXEC);
    ERR(execveat_(dir, "prog", argv, 0), ENOEXEC);
    ERR(execveat_(dir, "link", argv, 0), ENOEXEC);
    ERR(execveat_(dir, "link", argv, AT_SYMLINK_NOFOLLOW), ELOOP);
    int ends[2];
    OK(pipe(ends));
    ERR(execveat_(ends[0], "", argv, AT_EMPTY_PATH), EACCES);
    fresh_peek(BASE, 0);
    int memory = memfd_create("p", MFD_CLOEXEC);
    EQ(write(memory, &img, sizeof(img)), sizeof(img));
    pid_t pid = t_fork(); /* a file without a name counts no writers */
    if (!pid) {
        execveat_(memory, "", argv, AT_EMPTY_PATH);
        _exit(1);
    }
    int status = t_status_of(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 127);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
