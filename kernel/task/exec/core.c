/* SPDX-License-Identifier: MIT
 *
 * Writing core files. One is an ELF file of the type CORE: its header, the table of its parts, notes
 * about the process, and then the areas. The table in the file is the only list of the areas that
 * there is, so that any number of them takes no memory. Pages that were never touched are holes.
 */
#include "kernel/task/exec/core.h"
#include "arch/ptrace.h"
#include "fs/inode.h"
#include "fs/names.h"
#include "fs/open.h"
#include "fs/uio.h"
#include "kernel/task/exec/core_name.h"
#include "kernel/task/exec/elf.h"
#include "kernel/task/exec/vdso.h"
#include "kernel/task/exit.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/sigqueue.h"
#include "lib/elf64.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/time.h"
#include "mm/call/calls.h"
#include "mm/debug/report.h"
#include "mm/op/access.h"
#include "mm/phys/slab.h"
#include "mm/table/pagetable.h"
#include "mm/vm/vma.h"

#define SIG_DUMPS                                                               \
    (sig_bit(SIGQUIT) | sig_bit(SIGILL) | sig_bit(SIGTRAP) | sig_bit(SIGABRT) | \
     sig_bit(SIGBUS) | sig_bit(SIGFPE) | sig_bit(SIGSEGV) | sig_bit(SIGXCPU) |  \
     sig_bit(SIGXFSZ) | sig_bit(SIGSYS))

#define AREAS_MAX   65533u /* e_phnum has 16 bits */
#define NOTES_ROOM  2048u
#define ARGS_ROOM   80u
#define CHUNK_PAGES 64u

enum {
    NOTE_STATUS = 1,
    NOTE_FPU,
    NOTE_PROCESS,
    NOTE_AUXV = 6,
    NOTE_SIGINFO = 0x53494749
};

/* struct elf_prstatus */
struct status_note {
    s32 signo, code, err;
    s16 cursig;
    u64 pending, held;
    s32 pid, ppid, pgrp, sid;
    struct timeval times[4];
    struct user_regs regs;
    s32 fpvalid;
};
STATIC_ASSERT(sizeof(struct status_note) == 336);

/* struct elf_prpsinfo */
struct process_note {
    char state, letter, zombie, nice;
    u64 flags;
    u32 uid, gid;
    s32 pid, ppid, pgrp, sid;
    char name[16], args[ARGS_ROOM];
};
STATIC_ASSERT(sizeof(struct process_note) == 136);

struct core {
    struct file *file;
    struct mm *mm;
    u64 limit;
    u8 *notes;
    size_t notes_size;
    struct arch_stopped stopped;
    u8 there[CHUNK_PAGES];
    u8 page[PAGE_SIZE];
};

static bool put(struct core *c, u64 at, const void *bytes, size_t n)
{
    struct iovec iov;
    struct uio u;

    if (n > c->limit || at > c->limit - n || signal_kill_pending(current_thread()))
        return false;
    uio_init_kernel(&u, &iov, (void *)bytes, n);
    return file_write_at(c->file, &u, &at) == (ssize_t)n;
}

/* ---- notes ---- */

/* A place of n bytes, zero, in the next note. */
static void *note(struct core *c, u32 type, size_t n)
{
    u8 *at = c->notes + c->notes_size;

    memcpy(at, (const u32[]){5, (u32)n, type}, 12);
    memcpy(at + 12, "CORE", 5);
    c->notes_size += 20 + n;
    return at + 20;
}

static void note_status(struct core *c, const struct siginfo *info)
{
    const struct thread *t = current_thread();
    const struct proc *p = t->proc;
    struct status_note s = {.signo = info->si_signo,
                            .code = info->si_code,
                            .cursig = (s16)info->si_signo,
                            .pending = t->pending | p->pending,
                            .held = t->blocked,
                            .pid = p->pid,
                            .ppid = READ_ONCE(p->ppid),
                            .pgrp = p->pgid,
                            .sid = p->sid,
                            .fpvalid = 1};

    arch_regs_get(arch_thread_frame(&t->arch), &c->stopped, &s.regs);
    memcpy(note(c, NOTE_STATUS, sizeof(s)), &s, sizeof(s));
}

static void note_process(struct core *c)
{
    const struct thread *t = current_thread();
    const struct proc *p = t->proc;
    const struct mm_program *m = &c->mm->program;
    struct process_note n = {.letter = 'R',
                             .nice = (char)t->nice,
                             .uid = own_cred()->uid,
                             .gid = own_cred()->gid,
                             .pid = p->pid,
                             .ppid = READ_ONCE(p->ppid),
                             .pgrp = p->pgid,
                             .sid = p->sid};
    size_t len = MIN(m->arg_end - m->arg_start, (u64)ARGS_ROOM - 1);

    str_copy(n.name, p->comm, sizeof(n.name));
    len = mm_access(c->mm, m->arg_start, n.args, len, MM_READ);
    for (size_t i = 0; i + 1 < len; i++)
        n.args[i] = n.args[i] ?: ' ';
    memcpy(note(c, NOTE_PROCESS, sizeof(n)), &n, sizeof(n));
}

static void make_notes(struct core *c, int signo, const struct sig_record *rec)
{
    struct thread *t = current_thread();
    struct siginfo info;

    arch_stop_save(&t->arch, &c->stopped);
    signal_fill_info(&info, signo, rec);
    note_status(c, &info);
    note_process(c);
    memcpy(note(c, NOTE_SIGINFO, sizeof(info)), &info, sizeof(info));
    memcpy(note(c, NOTE_AUXV, sizeof(c->mm->program.auxv)), c->mm->program.auxv,
           sizeof(c->mm->program.auxv));
    arch_fpu_get(&c->stopped, note(c, NOTE_FPU, arch_fpu_bytes(FPU_FXSAVE)), FPU_FXSAVE);
}

/* ---- areas ---- */

static bool has_name(const struct vma *v)
{
    return v->file && READ_ONCE(container_of(v->file, struct file, vm)->inode->nlink);
}

/* What of it goes into the file. */
static u64 bytes_of(struct vma *v, u32 filter)
{
    struct vma_counts n = {.anon = 0};
    u64 all = v->end - v->start;
    bool shared = v->flags & VM_SHARED;

    if (v->flags & VM_DONTDUMP)
        return 0;
    if (vdso_is(v))
        return all;
    if (v->flags & VM_HUGE)
        return filter & (shared ? CORE_HUGE_SHARED : CORE_HUGE_PRIVATE) ? all : 0;
    if (shared)
        return filter & (has_name(v) ? CORE_FILE_SHARED : CORE_ANON_SHARED) ? all : 0;
    if (!v->object)
        return filter & CORE_ANON_PRIVATE ? all : 0;
    vma_report(v, &n);
    if (filter & CORE_FILE_PRIVATE || (n.anon && filter & CORE_ANON_PRIVATE))
        return all;
    return filter & CORE_ELF_HEADERS && v->flags & VM_READ && !v->pgoff ? PAGE_SIZE : 0;
}

/* The next area from `from` on; whole: its file's pages belong to it, too. */
static bool next_area(struct mm *mm, vaddr_t from, struct elf64_phdr *out, bool *whole)
{
    u32 filter = READ_ONCE(mm->program.core_filter);
    struct vma *v;

    mm_lock_shared(mm);
    v = vma_find(mm, from);
    if (v) {
        *out = (struct elf64_phdr){.type = PT_LOAD,
                                   .flags = (v->flags & VM_READ ? PF_R : 0) |
                                            (v->flags & VM_WRITE ? PF_W : 0) |
                                            (v->flags & VM_EXEC ? PF_X : 0),
                                   .vaddr = v->start,
                                   .filesz = bytes_of(v, filter),
                                   .memsz = v->end - v->start,
                                   .align = PAGE_SIZE};
        *whole = v->object && !(v->flags & VM_SHARED);
    }
    mm_unlock_shared(mm);
    pause_anyway();
    return v != NULL;
}

static u32 count_areas(struct mm *mm)
{
    struct elf64_phdr a = {.vaddr = 0};
    bool whole;
    u32 n = 0;

    while (n < AREAS_MAX && next_area(mm, a.vaddr + a.memsz, &a, &whole))
        n++;
    return n;
}

/* Header, table and notes. Others that share the memory may have fewer areas by now: parts of no
 * type. */
static bool put_table(struct core *c, u32 count)
{
    u64 at = ELF_HEADER_SIZE, notes = at + (count + 1) * (u64)ELF_PHDR_SIZE;
    u64 data = align_up(notes + c->notes_size, PAGE_SIZE);
    struct elf64_ehdr h = {.ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                           .type = ET_CORE,
                           .machine = EM_X86_64,
                           .version = 1,
                           .phoff = ELF_HEADER_SIZE,
                           .ehsize = ELF_HEADER_SIZE,
                           .phentsize = ELF_PHDR_SIZE,
                           .phnum = (u16)(count + 1)};
    struct elf64_phdr a = {.type = PT_NOTE, .offset = notes, .filesz = c->notes_size};
    bool whole;

    if (!put(c, 0, &h, sizeof(h)) || !put(c, at, &a, sizeof(a)) ||
        !put(c, notes, c->notes, c->notes_size))
        return false;
    a = (struct elf64_phdr){.vaddr = 0};
    for (; count && next_area(c->mm, a.vaddr + a.memsz, &a, &whole); count--) {
        a.offset = data;
        data += a.filesz;
        at += ELF_PHDR_SIZE;
        if (!put(c, at, &a, sizeof(a)))
            return false;
    }
    return true;
}

/* The next address from va on that may show something: an area may have far more that shows nothing. */
static vaddr_t next_used(struct mm *mm, vaddr_t va, vaddr_t end)
{
    const struct vma *v;

    mm_lock_shared(mm);
    v = vma_find(mm, va);
    if (v && v->start <= va && vma_kind(v) == VMA_ANON && !vma_order(v) &&
        !pt_next_table(mm, &va, MIN(end, v->end), 0))
        va = end;
    mm_unlock_shared(mm);
    return va;
}

static bool put_area(struct core *c, const struct elf64_phdr *a, bool whole)
{
    vaddr_t end = a->vaddr + a->filesz;
    u64 last = 0;

    memset(c->there, 1, sizeof(c->there));
    for (vaddr_t va = next_used(c->mm, a->vaddr, end); va < end;
         va = next_used(c->mm, va + CHUNK_PAGES * PAGE_SIZE, end)) {
        u64 n = MIN((end - va) >> PAGE_SHIFT, (u64)CHUNK_PAGES);

        if (signal_kill_pending(current_thread()))
            return false;
        if (!whole && mm_mincore(c->mm, va, n, c->there) != 0)
            memset(c->there, 0, sizeof(c->there));
        for (u64 i = 0; i < n; i++) {
            vaddr_t page = va + i * PAGE_SIZE;

            if (!c->there[i] ||
                mm_access_force(c->mm, page, c->page, PAGE_SIZE, MM_READ) != PAGE_SIZE)
                continue;
            last = a->offset + (page - a->vaddr);
            if (!put(c, last, c->page, PAGE_SIZE))
                return false;
        }
        pause_anyway();
    }
    /* The file is as long as its last part says. */
    return !a->filesz || last + PAGE_SIZE == a->offset + a->filesz ||
           put(c, a->offset + a->filesz - 1, "", 1);
}

/* The table is in a file of the user's, who may have written into it: what is no part of an area
 * that there is now is passed over. */
static void put_areas(struct core *c, u32 count)
{
    struct elf64_phdr a, now;
    bool whole;

    for (u32 i = 0; i < count; i++) {
        u64 at = ELF_HEADER_SIZE + (i + 1) * (u64)ELF_PHDR_SIZE;

        if (file_pread_kernel(c->file, &a, sizeof(a), at) != sizeof(a) ||
            a.type != PT_LOAD || !next_area(c->mm, a.vaddr, &now, &whole))
            return;
        if (a.vaddr >= now.vaddr && a.filesz <= now.memsz - (a.vaddr - now.vaddr) &&
            !((a.vaddr | a.filesz) % PAGE_SIZE) && !put_area(c, &a, whole))
            return;
    }
}

/* ---- the file ---- */

/* A file that was there goes first, as on Linux: nobody's else is written into. */
static int open_core(int signo, struct file **out)
{
    char name[512];

    if (!core_name(name, sizeof(name), signo))
        return -ENAMETOOLONG;
    (void)vfs_unlink(current_fs(), NULL, name);
    return vfs_open(current_fs(), NULL, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW,
                    0600, out);
}

static bool write_core(struct core *c, int signo, const struct sig_record *rec)
{
    u32 count = count_areas(c->mm);
    bool written;

    if (open_core(signo, &c->file) != 0)
        return false;
    make_notes(c, signo, rec);
    written = put_table(c, count);
    if (written)
        put_areas(c, count);
    file_put(c->file);
    return written;
}

bool core_dump(int signo, const struct sig_record *rec)
{
    struct proc *p = current_proc();
    u64 limit = proc_rlimit(p, RLIMIT_CORE);
    bool written = false;
    struct core *c;

    if (!(sig_bit(signo) & SIG_DUMPS) || limit < PAGE_SIZE ||
        READ_ONCE(p->dumpable) != DUMP_USER || !p->mm || proc_become_single() != 0)
        return false;
    c = kzalloc(sizeof(*c));
    if (c)
        c->notes = kzalloc(NOTES_ROOM);
    if (c && c->notes) {
        c->mm = p->mm;
        c->limit = limit;
        written = write_core(c, signo, rec);
    }
    if (c)
        kfree(c->notes);
    kfree(c);
    return written;
}
