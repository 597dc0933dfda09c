/* SPDX-License-Identifier: MIT
 *
 * Programs made by hand: what exec accepts, and hostile files. A refused file leaves the old
 * program running with an errno, or, past the point of no return, kills the child; the
 * machine goes on (R-67 to R-71 of the test plan).
 */
#include "tests/user/t_image.h"

/* The whole program: exit_group(0), any address. */
__asm__(
    ".pushsection .rodata\n"
    "code_exit: xorl %edi, %edi; movl $231, %eax; syscall; ud2\n"
    "code_exit_end:\n"
    /* exit_group(1) unless all is zero from 0x401000 - 3072 + 1024 to the page's end,
         * and the next page too */
    "code_bss: movl $0x401400, %esi; movl $(0x403000 - 0x401400), %ecx\n"
    "1: cmpb $0, (%rsi); jne 2f; incq %rsi; decl %ecx; jnz 1b\n"
    "movl $0x401400, %esi; movb $7, (%rsi); movb $7, 0x1bff(%rsi)\n"
    "xorl %edi, %edi; jmp 3f\n"
    "2: movl $1, %edi\n"
    "3: movl $231, %eax; syscall; ud2\n"
    "code_bss_end:\n"
    /* exit_group(0) if the registers are as after exec: all zero, stack aligned */
    "code_regs: pushfq; por %xmm1, %xmm0; por %xmm2, %xmm0; por %xmm3, %xmm0; por %xmm7, "
    "%xmm0\n"
    "por %xmm8, %xmm0; por %xmm15, %xmm0; movq %xmm0, %r12; psrldq $8, %xmm0\n"
    "movq %xmm0, %r13; orq %r12, %r13; orq %rax, %r13; orq %rbx, %r13; orq %rcx, %r13\n"
    "orq %rdx, %r13; orq %rsi, %r13; orq %rdi, %r13; orq %rbp, %r13; orq %r8, %r13\n"
    "orq %r9, %r13; orq %r10, %r13; orq %r11, %r13; orq %r14, %r13; orq %r15, %r13\n"
    "popq %rdx; andl $0xdd5, %edx; orq %rdx, %r13\n"
    "movq %rsp, %rdx; andl $15, %edx; orq %rdx, %r13\n"
    "xorl %edi, %edi; testq %r13, %r13; setnz %dil; movl $231, %eax; syscall; ud2\n"
    "code_regs_end:\n"
    ".popsection");
extern const unsigned char code_exit[], code_exit_end[], code_bss[], code_bss_end[];
extern const unsigned char code_regs[], code_regs_end[];

static void fresh_exit(void)
{
    fresh(code_exit, code_exit_end);
}

/* Anything but a hang: refused with an errno of exec, or dead by a fault, or it ran. */
static void harmless(const char *what, unsigned long at, unsigned long value)
{
    static const int fine[] = {
        ENOEXEC,       E2BIG,         ENOMEM,         EINVAL,
        EACCES,        EIO,           EFAULT,         ENOENT,
        ELIBBAD,       1000,          2000 + SIGSEGV, 2000 + SIGKILL,
        2000 + SIGBUS, 2000 + SIGILL, 2000 + SIGTRAP, 2000 + SIGFPE};
    int got = run();
    for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
        if (got == fine[i])
            return;
    FAIL("%s at %lu, value %#lx: outcome %d", what, at, value, got);
}

TEST(good, "a program of one segment runs")
{
    fresh_exit();
    EQ(run_image(), 1000);
}

TEST(R12_regs, "registers of a new program are clean")
{
    fresh(code_regs, code_regs_end);
    write_image(&img, sizeof(img));
    __asm__ volatile(
        "pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm7; movdqa %%xmm0, %%xmm15" ::
            : "xmm0", "xmm7", "xmm15");
    EQ(run(), 1000);
}

/* A segment from file offset 0 whose file part ends at 0x401400 of two more pages. */
TEST(R71, "bss is zero, the tail of the last file page too")
{
    static unsigned char file[3 * P];
    memset(file, 0xee, sizeof(file));
    fresh(code_bss, code_bss_end);
    img.p[0].p_flags = PF_R | PF_W | PF_X;
    img.p[0].p_filesz = 0x1400;
    img.p[0].p_memsz = 0x3000;
    memcpy(file, &img, sizeof(img));
    write_image(file, sizeof(file));
    for (int i = 0; i < 3; i++) /* the first run wrote to its own copy only */
        EQ(run(), 1000);
}

TEST(dyn, "ET_DYN without an interpreter runs anywhere")
{
    fresh_exit();
    img.e.e_type = ET_DYN;
    img.e.e_entry -= BASE;
    img.p[0].p_vaddr = img.p[0].p_paddr = 0;
    EQ(run_image(), 1000);
}

TEST(R67_truncated, "truncated at every byte")
{
    fresh_exit();
    for (size_t n = 0; n < offsetof(struct image, p[1]); n++) {
        write_image(&img, n);
        int got = run();
        if (got != ENOEXEC && got != EIO && got != EINVAL)
            FAIL("%zu bytes: outcome %d", n, got);
    }
    for (size_t n = offsetof(struct image, p[1]); n < offsetof(struct image, code) + 16;
         n += 9) {
        write_image(&img, n);
        harmless("truncated", n, 0);
    }
}

static void set_field(size_t at, size_t size, uint64_t v)
{
    memcpy((unsigned char *)&img + at, &v, size);
}

/* Every field: 0, 1, the greatest, one less, the sign bit, small changes. */
static void mutate(const char *what, size_t at, size_t size)
{
    uint64_t max = size == 8 ? ~0UL : (1UL << size * 8) - 1;
    uint64_t old = 0;
    memcpy(&old, (unsigned char *)&img + at, size);
    const uint64_t values[] = {0,           1,       max,     max - 1,
                               max / 2 + 1, max / 2, old + 1, old - 1};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        fresh_exit();
        set_field(at, size, values[i] & max);
        write_image(&img, sizeof(img));
        harmless(what, at, values[i]);
    }
}

TEST(R67_ehdr, "every field of the file header at its limits")
{
    static const struct {
        size_t at, size;
    } fields[] = {{0, 4},  {4, 1},  {5, 1},  {6, 1},  {7, 1},  {16, 2},
                  {18, 2}, {20, 4}, {24, 8}, {32, 8}, {40, 8}, {48, 4},
                  {52, 2}, {54, 2}, {56, 2}, {58, 2}, {60, 2}, {62, 2}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        mutate("header field", fields[i].at, fields[i].size);
}

TEST(R67_phdr, "every field of a program header at its limits")
{
    static const size_t at[] = {0, 4, 8, 16, 24, 32, 40, 48};
    for (size_t i = 0; i < 8; i++)
        mutate("program header field", offsetof(struct image, p) + at[i], i < 2 ? 4 : 8);
}

TEST(R68_errno, "wrong files: ENOEXEC")
{
    fresh_exit();
    img.e.e_type = ET_REL;
    EQ(run_image(), ENOEXEC);
    img.e.e_type = ET_CORE;
    EQ(run_image(), ENOEXEC);
    fresh_exit();
    img.e.e_machine = EM_AARCH64;
    EQ(run_image(), ENOEXEC);
    fresh_exit();
    img.e.e_ident[0] = 0;
    EQ(run_image(), ENOEXEC);
    fresh_exit();
    img.e.e_phnum = 0;
    EQ(run_image(), ENOEXEC);
    static const uint16_t sizes[] = {0, 1, 55, 57, 65535};
    for (size_t i = 0; i < 5; i++) {
        fresh_exit();
        img.e.e_phentsize = sizes[i];
        EQ(run_image(), ENOEXEC);
    }
    fresh_exit();
    img.e.e_phnum = 65535;
    EQ(run_image(), ENOEXEC);
}

TEST(R68_places, "segments in forbidden places")
{
    static const uint64_t places[] = {0xffffffff80000000, 0xffff800000000000,
                                      0x0000800000000000, 0x00007ffffffff000,
                                      0xfffffffffffff000, 0x0000900000000000};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        fresh_exit();
        img.p[0].p_vaddr = places[i];
        img.e.e_entry = places[i] + offsetof(struct image, code);
        write_image(&img, sizeof(img));
        int got = run();
        CHECK(got < 1000 || got == 2000 + SIGSEGV || got == 2000 + SIGKILL);
    }
}

TEST(R68_sizes, "segments of impossible sizes")
{
    static const uint64_t sizes[][2] = {/* filesz, memsz */
                                        {sizeof(img), 100},    {sizeof(img), 1UL << 47},
                                        {sizeof(img), ~0UL},   {sizeof(img), 1UL << 63},
                                        {~0UL, ~0UL},          {1UL << 62, 1UL << 62},
                                        {1UL << 40, 1UL << 40}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        fresh_exit();
        img.p[0].p_filesz = sizes[i][0];
        img.p[0].p_memsz = sizes[i][1];
        write_image(&img, sizeof(img));
        harmless("filesz, memsz case", i, 0);
    }
}

TEST(R68_overlap, "overlapping, descending, incongruent segments")
{
    for (int k = 0; k < 5; k++) {
        fresh_exit();
        img.e.e_phnum = 2;
        img.p[1] = img.p[0];
        switch (k) {
        case 0:
            break;
        case 1:
            img.p[1].p_vaddr = BASE - 0x10000;
            break;
        case 2:
            img.p[1].p_vaddr = BASE + 0x100000 + 123; /* offset 0 */
            break;
        case 3:
            img.p[0].p_align = 3;
            break;
        case 4:
            img.p[0].p_align = 1UL << 40;
            break;
        }
        write_image(&img, sizeof(img));
        harmless("layout", (unsigned long)k, 0);
    }
}

TEST(R69, "entry points that cannot be executed")
{
    static const uint64_t entries[] = {
        0, 0x10000, 0x7fff00000000, 0x0000900000000000, 0xffffffff80000000, ~0UL};
    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
        fresh_exit();
        img.e.e_entry = entries[i];
        write_image(&img, sizeof(img));
        int got = run();
        CHECK(got == 2000 + SIGSEGV || got == ENOEXEC || got == EINVAL);
    }
    fresh_exit();
    img.p[0].p_flags = PF_R;
    EQ(run_image(), 2000 + SIGSEGV);
}

static void with_interp(const char *name, size_t size)
{
    fresh_exit();
    img.e.e_phnum = 2;
    memcpy(img.code + 256, name, size);
    img.p[1] = (Elf64_Phdr){.p_type = PT_INTERP,
                            .p_flags = PF_R,
                            .p_offset = offsetof(struct image, code) + 256,
                            .p_filesz = size,
                            .p_memsz = size};
}

TEST(R70_interp, "PT_INTERP")
{
    with_interp("/no/such/ld.so", 15);
    EQ(run_image(), ENOENT);
    with_interp("/no/such/ld.so", 14); /* no NUL */
    EQ(run_image(), ENOEXEC);
    with_interp("", 1);
    EQ(run_image() < 1000, 1);
    with_interp("x", 2);
    img.p[1].p_filesz = 100000; /* longer than a path */
    EQ(run_image(), ENOEXEC);
    with_interp("x", 2);
    img.p[1].p_offset = 1UL << 40;
    EQ(run_image() < 1000, 1);
    with_interp("/dev/null", 10);
    EQ(run_image() < 1000, 1);
    with_interp(".", 2);
    EQ(run_image(), EACCES);
    with_interp("prog", 5); /* itself */
    write_image(&img, sizeof(img));
    harmless("interpreter", 0, 0);
}

/* A script-like small file as interpreter is no ELF: ELIBBAD, before the old image goes. */
TEST(R70_libbad, "an interpreter that is no program")
{
    int fd = open("interp", O_WRONLY | O_CREAT, 0755);
    OK(fd);
    static char junk[8192];
    memset(junk, 'j', sizeof(junk));
    EQ(write(fd, junk, sizeof(junk)), sizeof(junk));
    OK(close(fd));
    with_interp("interp", 7);
    int got = run_image();
    CHECK(got == ELIBBAD || got == ENOEXEC);
}

TEST(R70_other, "PT_TLS, PT_GNU_STACK, PT_NOTE of any size")
{
    static const uint32_t types[] = {PT_TLS,       PT_GNU_STACK, PT_NOTE,
                                     PT_PHDR,      PT_SHLIB,     PT_DYNAMIC,
                                     PT_GNU_RELRO, 0x6474e553,   0x12345678};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        fresh_exit();
        img.e.e_phnum = 2;
        img.p[1] = (Elf64_Phdr){.p_type = types[i],
                                .p_flags = PF_R | PF_W | PF_X,
                                .p_offset = 1UL << 50,
                                .p_vaddr = 1UL << 60,
                                .p_filesz = 1UL << 45,
                                .p_memsz = ~0UL};
        write_image(&img, sizeof(img));
        harmless("segment type", types[i], 0);
    }
}

TEST(random, "500 random changes of a good file")
{
    uint64_t seed = 6768;
    for (int k = 0; k < 500; k++) {
        fresh_exit();
        int changes = 1 + (int)(t_random(&seed) % 3);
        while (changes--) {
            uint64_t x = t_random(&seed);
            size_t at = x % offsetof(struct image, p[1]);
            ((unsigned char *)&img)[at] = (unsigned char)(x >> 32);
        }
        write_image(&img, sizeof(img));
        harmless("random change", (unsigned long)k, seed);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
