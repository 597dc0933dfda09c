# SPDX-License-Identifier: MIT
#
# The programs of docs/using-remap.md: each compiles without a warning as C99 to C23 and as C++,
# prints the same here, where a sandbox forbids remap_file_pages, and inside Tessera.
import os
import re
import subprocess

from harness import BUSYBOX, TOP, Failure, case, host, run, same

PAGE = os.path.join(TOP, "docs/using-remap.md")
INCLUDE = os.path.join(TOP, "user/include")
FLAGS = ["-O2", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-I", INCLUDE]
LANGUAGES = (["gcc", "-std=c99"], ["gcc", "-std=c11"], ["gcc", "-std=c17"], ["gcc", "-std=c2x"],
             ["clang", "-std=c99"], ["musl-gcc", "-std=c99"], ["g++", "-x", "c++", "-std=c++11"],
             ["g++", "-x", "c++", "-std=c++20"])
# remap_file_pages (216) is not permitted: a filter of seccomp, then the program.
SANDBOX = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 216, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog all = {sizeof(code) / sizeof(*code), code};
    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all))
        return 99;
    execv(argv[1], argv + 1);
    return 98;
}
"""


def sources(work):
    """The page's programs as files."""
    with open(PAGE, encoding="utf-8") as f:
        blocks = re.findall(r"^```c\n(/\* (\w+)\.c \*/\n.*?)^```$", f.read(), re.S | re.M)
    for text, name in blocks:
        with open(os.path.join(work, f"{name}.c"), "w", encoding="utf-8") as f:
            f.write(text)
    names = [name for _, name in blocks]
    same(sorted(names), ["moving", "pool", "ring", "sorted"], "programs of the page")
    return names


def compiled(work, name, compiler, *more):
    program = os.path.join(work, name)
    done = subprocess.run([*compiler, *FLAGS, *more, os.path.join(work, f"{name}.c"), "-o", program],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{name} by {' '.join(compiler)}: {done.stderr.strip().splitlines()[0]}")
    return program


@case
def using_languages(work):
    """docs/using-remap.md: C99 to C23 and C++ compile it, and all print the same"""
    for name in sources(work):
        outputs = {host(compiled(work, name, language)) for language in LANGUAGES}
        if len(outputs) != 1 or b"WRONG" in outputs.copy().pop():
            raise Failure(f"{name} prints {sorted(outputs)}")


@case
def using_falls_back(work):
    """the same where remap_file_pages is forbidden: mmap does it"""
    with open(os.path.join(work, "sandbox.c"), "w", encoding="ascii") as f:
        f.write(SANDBOX)
    names = sources(work)
    sandbox = os.path.join(work, "sandbox")
    subprocess.run(["gcc", "-o", sandbox, f"{sandbox}.c"], check=True)
    for name in names:
        program = compiled(work, name, ["gcc"])
        same(host(sandbox, program), host(program), f"{name} in the sandbox")


@case
def using_both(work):
    """the same inside Tessera"""
    names = sources(work)
    programs = [compiled(work, name, ["musl-gcc"], "-static") for name in names]
    want = b"".join(host(p) for p in programs)
    options = [w for p in programs for w in ("--add", f"{p}:/tmp/run/")]
    out, _ = run(BUSYBOX, "sh", "-c", "; ".join(f"./{n}" for n in names), options=options)
    same(out, want)
