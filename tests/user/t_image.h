/* SPDX-License-Identifier: MIT
 *
 * Programs made by hand, for the suites of exec: an image of up to four program headers and
 * a little code, written to the file "prog" and run.
 */
#pragma once

#include "tests/user/t.h"
#include <elf.h>

#define BASE 0x400000UL

struct image {
    Elf64_Ehdr e;
    Elf64_Phdr p[4];
    unsigned char code[512];
};

static struct image img;

static inline void fresh(const unsigned char *code, const unsigned char *end)
{
    memset(&img, 0, sizeof(img));
    memcpy(img.e.e_ident, ELFMAG, 4);
    img.e.e_ident[EI_CLASS] = ELFCLASS64;
    img.e.e_ident[EI_DATA] = ELFDATA2LSB;
    img.e.e_ident[EI_VERSION] = EV_CURRENT;
    img.e.e_type = ET_EXEC;
    img.e.e_machine = EM_X86_64;
    img.e.e_version = EV_CURRENT;
    img.e.e_entry = BASE + offsetof(struct image, code);
    img.e.e_phoff = offsetof(struct image, p);
    img.e.e_ehsize = sizeof(Elf64_Ehdr);
    img.e.e_phentsize = sizeof(Elf64_Phdr);
    img.e.e_phnum = 1;
    img.p[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X,
                            .p_vaddr = BASE,
                            .p_paddr = BASE,
                            .p_filesz = sizeof(img),
                            .p_memsz = sizeof(img),
                            .p_align = P};
    memcpy(img.code, code, (size_t)(end - code));
}

static inline void write_image(const void *data, size_t n)
{
    int fd = open("prog", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    OK(fd);
    EQ(write(fd, data, n), (long)n);
    OK(close(fd));
}

/* What came of an exec of "prog": the errno it gave, or 1000 + exit status, or 2000 + the
 * signal. The alarm goes on over exec: a program that loops ends by SIGALRM. */
static inline int run(void)
{
    int *gave = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(gave != MAP_FAILED);
    pid_t pid = t_fork();
    if (!pid) {
        char *argv[] = {"prog", NULL}, *envp[] = {NULL};
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        alarm(5);
        execve("prog", argv, envp);
        *gave = errno;
        _exit(99);
    }
    int status = t_status_of(pid), e = *gave;
    OK(munmap(gave, P));
    if (e)
        return e;
    return WIFSIGNALED(status) ? 2000 + WTERMSIG(status) : 1000 + WEXITSTATUS(status);
}

static inline int run_image(void)
{
    write_image(&img, sizeof(img));
    return run();
}
