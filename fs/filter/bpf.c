/* SPDX-License-Identifier: MIT
 *
 * Checking and running the programs of fs/filter/bpf.h.
 */
#include "fs/filter/bpf.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

static u32 bytes(u32 len)
{
    return (u32)(sizeof(struct bpf_filter) + len * sizeof(struct bpf_insn));
}

struct bpf_filter *bpf_create(u32 len)
{
    struct bpf_filter *f = kmalloc(bytes(len));

    if (!f)
        return NULL;
    f->refs = 1;
    f->len = len;
    f->account = account_current();
    account_hold(f->account);
    __atomic_fetch_add(&f->account->bytes, bytes(len), __ATOMIC_RELAXED);
    return f;
}

void bpf_get(struct bpf_filter *f)
{
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
}

void bpf_put(struct bpf_filter *f)
{
    if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    __atomic_fetch_sub(&f->account->bytes, bytes(f->len), __ATOMIC_RELAXED);
    account_put(f->account);
    kfree(f);
}

/* ---- checking ---- */

static bool is_load(u16 code, enum bpf_use use)
{
    u16 mode = code & BPF_MODE, size = code & BPF_SIZE;

    if (mode == BPF_IMM || mode == BPF_MEM || mode == BPF_LEN)
        return size == BPF_W;
    if ((code & BPF_CLASS) == BPF_LDX)
        return mode == BPF_MSH && size == BPF_B && use == BPF_PACKETS;
    if (use == BPF_CALLS)
        return mode == BPF_ABS && size == BPF_W;
    return (mode == BPF_ABS || mode == BPF_IND) && size != BPF_SIZE;
}

static bool is_known(u16 code, enum bpf_use use)
{
    u16 op = code & BPF_OP, index = code & BPF_X;

    if (code > 0xff)
        return false;
    switch (code & BPF_CLASS) {
    case BPF_LD:
    case BPF_LDX:
        return is_load(code, use);
    case BPF_ALU:
        return op <= BPF_XOR && !(op == BPF_NEG && index) &&
               !(op == BPF_MOD && use == BPF_CALLS);
    case BPF_JMP:
        return op <= BPF_JSET && !(op == BPF_JA && index);
    case BPF_RET:
        return code == BPF_RET || code == (BPF_RET | BPF_A);
    case BPF_MISC:
        return code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
    default:
        return code == BPF_ST || code == BPF_STX;
    }
}

/* A load from a place that is known beforehand. What counts from the end of numbers are facts
 * about a packet; those that are not told here, attributes and random numbers, are refused. */
static bool is_place(u32 k, enum bpf_use use)
{
    if (use == BPF_CALLS) /* struct seccomp_data */
        return k < 64 && k % 4 == 0;
    if (k < (u32)SKF_AD_OFF)
        return true;
    switch (k - (u32)SKF_AD_OFF) {
    case SKF_AD_PROTOCOL:
    case SKF_AD_PKTTYPE:
    case SKF_AD_IFINDEX:
    case SKF_AD_MARK:
    case SKF_AD_QUEUE:
    case SKF_AD_HATYPE:
    case SKF_AD_RXHASH:
    case SKF_AD_CPU:
    case SKF_AD_ALU_XOR_X:
    case SKF_AD_VLAN_TAG:
    case SKF_AD_VLAN_TAG_PRESENT:
    case SKF_AD_VLAN_TPID:
        return true;
    default:
        return false;
    }
}

/* What an instruction must fulfil by itself, with `after` instructions behind it. */
static bool is_good(const struct bpf_insn *i, u32 after, enum bpf_use use)
{
    u16 class = i->code & BPF_CLASS, op = i->code & (BPF_OP | BPF_X);

    if (!is_known(i->code, use))
        return false;
    if (class == BPF_ALU && (op == BPF_DIV || op == BPF_MOD))
        return i->k != 0;
    if (class == BPF_ALU && (op == BPF_LSH || op == BPF_RSH))
        return i->k < 32;
    if (class == BPF_JMP)
        return op == BPF_JA ? i->k < after : i->jt < after && i->jf < after;
    if (class == BPF_ST || class == BPF_STX ||
        (class <= BPF_LDX && (i->code & BPF_MODE) == BPF_MEM))
        return i->k < BPF_MEMWORDS;
    if (class == BPF_LD && (i->code & BPF_MODE) == BPF_ABS)
        return is_place(i->k, use);
    return true;
}

/* Which words of memory are written on every way to the instruction before it reads one: a bit for
 * each. masks: what the jumps that lead to an instruction leave of them. */
static bool reads_written(const struct bpf_filter *f, u16 *masks)
{
    u16 written = 0;

    for (u32 at = 0; at < f->len; at++) {
        const struct bpf_insn *i = &f->of[at];
        u16 class = i->code & BPF_CLASS;

        written &= masks[at];
        if (class == BPF_ST || class == BPF_STX) {
            written |= (u16)(1u << i->k);
        } else if (class <= BPF_LDX && (i->code & BPF_MODE) == BPF_MEM) {
            if (!(written >> i->k & 1))
                return false;
        } else if (class == BPF_JMP && i->code == (BPF_JMP | BPF_JA)) {
            masks[at + 1 + i->k] &= written;
            written = 0xffff;
        } else if (class == BPF_JMP) {
            masks[at + 1 + i->jt] &= written;
            masks[at + 1 + i->jf] &= written;
            written = 0xffff;
        }
    }
    return true;
}

int bpf_check(const struct bpf_filter *f, enum bpf_use use)
{
    u16 *masks;
    bool good;

    for (u32 at = 0; at < f->len; at++)
        if (!is_good(&f->of[at], f->len - 1 - at, use))
            return -EINVAL;
    if ((f->of[f->len - 1].code & BPF_CLASS) != BPF_RET)
        return -EINVAL;
    masks = kmalloc(f->len * sizeof(*masks));
    if (!masks)
        return -ENOMEM;
    memset(masks, 0xff, f->len * sizeof(*masks));
    good = reads_written(f, masks);
    kfree(masks);
    return good ? 0 : -EINVAL;
}

/* ---- running ---- */

struct state {
    const struct bpf_input *in;
    u32 a, x;
    u32 mem[BPF_MEMWORDS];
};

/* Into *to, the accumulator or the index. False: the program ends, with s->a. */
static bool load(struct state *s, const struct bpf_insn *i, u32 *to)
{
    static const u8 sizes[] = {4, 2, 1};
    u32 size = sizes[(i->code & BPF_SIZE) / BPF_H], at = i->k;
    bool fact = false;

    switch (i->code & BPF_MODE) {
    case BPF_IMM:
        *to = i->k;
        return true;
    case BPF_MEM:
        *to = s->mem[i->k];
        return true;
    case BPF_LEN:
        *to = s->in->len;
        return true;
    case BPF_IND:
        at += s->x;
        break;
    case BPF_ABS:
        fact = at >= (u32)SKF_AD_OFF;
        break;
    default: /* BPF_MSH */
        break;
    }
    if (fact && at == (u32)(SKF_AD_OFF + SKF_AD_ALU_XOR_X)) {
        s->a ^= s->x;
        return true;
    }
    if (s->in->load(s->in, at, fact ? 0 : size, to)) {
        if ((i->code & BPF_MODE) == BPF_MSH)
            *to = 4 * (*to & 15);
        return true;
    }
    if (!fact)
        s->a = 0;
    return false;
}

/* v is not 0 where it divides. */
static u32 calculate(u16 op, u32 a, u32 v)
{
    switch (op) {
    case BPF_ADD:
        return a + v;
    case BPF_SUB:
        return a - v;
    case BPF_MUL:
        return a * v;
    case BPF_DIV:
        return a / v;
    case BPF_OR:
        return a | v;
    case BPF_AND:
        return a & v;
    case BPF_LSH:
        return a << (v & 31);
    case BPF_RSH:
        return a >> (v & 31);
    case BPF_NEG:
        return -a;
    case BPF_MOD:
        return a % v;
    default: /* BPF_XOR */
        return a ^ v;
    }
}

static u32 distance(const struct bpf_insn *i, u16 op, u32 a, u32 v)
{
    switch (op) {
    case BPF_JA:
        return i->k;
    case BPF_JEQ:
        return a == v ? i->jt : i->jf;
    case BPF_JGT:
        return a > v ? i->jt : i->jf;
    case BPF_JGE:
        return a >= v ? i->jt : i->jf;
    default: /* BPF_JSET */
        return a & v ? i->jt : i->jf;
    }
}

u32 bpf_run(const struct bpf_filter *f, const struct bpf_input *in)
{
    struct state s = {.in = in};

    for (const struct bpf_insn *i = f->of;; i++) {
        u16 op = i->code & BPF_OP;
        u32 v = i->code & BPF_X ? s.x : i->k;

        switch (i->code & BPF_CLASS) {
        case BPF_LD:
            if (!load(&s, i, &s.a))
                return s.a;
            break;
        case BPF_LDX:
            if (!load(&s, i, &s.x))
                return s.a;
            break;
        case BPF_ST:
            s.mem[i->k] = s.a;
            break;
        case BPF_STX:
            s.mem[i->k] = s.x;
            break;
        case BPF_ALU:
            if (!v && (op == BPF_DIV || op == BPF_MOD))
                return 0;
            s.a = calculate(op, s.a, v);
            break;
        case BPF_JMP:
            i += distance(i, op, s.a, v);
            break;
        case BPF_RET:
            return i->code & BPF_A ? s.a : i->k;
        default: /* BPF_MISC */
            if (op == BPF_TXA)
                s.a = s.x;
            else
                s.x = s.a;
        }
    }
}
