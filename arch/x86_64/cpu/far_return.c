/* SPDX-License-Identifier: MIT
 *
 * What QEMU cannot do for programs; see arch/x86_64/cpu/far_return.h. Wine goes back to its
 * programs so.
 */
#include "arch/x86_64/cpu/far_return.h"
#include "arch/mmu.h"
#include "arch/uaccess.h"
#include "arch/x86_64/cpu/cpu.h"
#include "lib/string.h"

#define REX_W    0x48 /* 64-bit words on the stack; without it: 32-bit */
#define IRET     0xcf
#define RETF     0xcb
#define RETF_IMM 0xca /* and drops so many bytes more: a word that follows */

/* What IRET changes of the flags at privilege 3. */
#define FLAGS (RFLAGS_USER | RFLAGS_NT | RFLAGS_RF | RFLAGS_ID)

enum { RIP, CS, FLAGS_WORD, RSP, SS, WORDS };

static bool read(void *to, vaddr_t from, size_t n)
{
    return from < USER_END && n <= USER_END - from &&
           arch_copy_from_user(to, from, n) == 0;
}

/* The words that the instruction takes from the stack. */
static bool pop(vaddr_t rsp, unsigned n, bool wide, u64 *words)
{
    u32 narrow[WORDS];

    if (wide)
        return read(words, rsp, n * sizeof(*words));
    if (!read(narrow, rsp, n * sizeof(*narrow)))
        return false;
    for (unsigned i = 0; i < n; i++)
        words[i] = narrow[i];
    return true;
}

bool far_return(struct trapframe *tf)
{
    bool wide, iret;
    u64 words[WORDS];
    u8 code[4];
    unsigned n, at;

    /* The shortest of them may end with its page. */
    memset(code, 0, sizeof(code));
    for (at = 0; at < sizeof(code) && read(&code[at], tf->rip + at, 1); at++)
        ;
    wide = code[0] == REX_W;
    at = wide;
    iret = code[at] == IRET;
    if (!iret && code[at] != RETF && code[at] != RETF_IMM)
        return false;
    n = iret ? WORDS : CS + 1;
    if (!pop(tf->rsp, n, wide, words) || words[RIP] >= USER_END ||
        (u16)words[CS] != USER_CS || (iret && (u16)words[SS] != USER_SS))
        return false;
    tf->rip = words[RIP];
    if (iret) {
        tf->rflags = (tf->rflags & ~FLAGS) | (words[FLAGS_WORD] & FLAGS);
        tf->rsp = words[RSP];
    } else {
        tf->rsp += n * (wide ? 8 : 4);
        if (code[at] == RETF_IMM)
            tf->rsp += code[at + 1] | code[at + 2] << 8;
    }
    return true;
}
