/* SPDX-License-Identifier: MIT
 *
 * SO_ATTACH_FILTER: which programs are taken, what they see of messages and datagrams, how much of
 * them is kept. Random programs are compared with a model of ours, here and on Linux.
 */
#include "lib/uapi/filter.h"
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct bpf_insn {
    unsigned short code;
    unsigned char jt, jf;
    unsigned k;
};

struct bpf_program {
    unsigned short len;
    unsigned long filter;
};

#define SO_GET_FILTER_  26
#define SO_LOCK_FILTER_ 44

#define OP(code, k)         ((struct bpf_insn){(code), 0, 0, (unsigned)(k)})
#define JUMP(code, k, t, f) ((struct bpf_insn){BPF_JMP | (code), (t), (f), (unsigned)(k)})
#define RET(k)              OP(BPF_RET, k)

static int in, out; /* what is sent into `out` arrives at `in`, if its filter lets it */
static unsigned char sent[4096];

static int attach_n(int s, const struct bpf_insn *of, size_t n)
{
    struct bpf_program p = {.len = (unsigned short)n, .filter = (unsigned long)of};

    return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

#define ATTACH(s, ...)                                  \
    attach_n(s, (const struct bpf_insn[]){__VA_ARGS__}, \
             sizeof((const struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))

static void pair_there(int type)
{
    int sv[2];

    OK(socketpair(AF_UNIX, type, 0, sv));
    in = sv[0];
    out = sv[1];
    srand(1);
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (unsigned char)rand();
}

/* How much of n bytes arrives; -1: nothing. */
static long pass(size_t n)
{
    static char got[sizeof(sent)];
    ssize_t r;

    EQ(send(out, sent, n, 0), (ssize_t)n);
    r = recv(in, got, sizeof(got), MSG_DONTWAIT);
    if (r < 0)
        EQ(errno, EAGAIN);
    else if (memcmp(got, sent, (size_t)r) != 0)
        FAIL("other bytes than those that were sent");
    return r;
}

/* ---- what is taken ---- */

/* What filters may cost: as Linux 6.1 begins unless it says otherwise. */
static long optmem(void)
{
    FILE *f = fopen("/proc/sys/net/core/optmem_max", "r");
    long n = 20480;

    if (f && fscanf(f, "%ld", &n) != 1)
        FAIL("cannot read it");
    if (f)
        fclose(f);
    return n;
}

TEST(filter_lengths,
     "programs have 1 to 4096 instructions, and what is left of them is counted")
{
    static struct bpf_insn many[BPF_MAXINSNS + 1];
    struct bpf_program p = {.len = 1, .filter = (unsigned long)many};

    pair_there(SOCK_DGRAM);
    for (size_t i = 0; i <= BPF_MAXINSNS; i++)
        many[i] = RET(-1);
    OK(attach_n(in, many, 1));
    ERR(attach_n(in, many, 0), EINVAL);
    ERR(attach_n(in, NULL, 1), EINVAL);
    ERR(attach_n(in, many, BPF_MAXINSNS + 1), EINVAL);
    ERR(attach_n(in, (void *)16, 1), EFAULT);
    if (optmem() <= 20480)
        ERR(attach_n(in, many, BPF_MAXINSNS), ENOMEM);
    ERR(setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p) - 1), EINVAL);
    ERR(setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, &p, 3), EINVAL);
    ERR(setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p) + 1), EINVAL);
    ERR(setsockopt(in, SOL_SOCKET, SO_ATTACH_FILTER, (void *)16, sizeof(p)), EFAULT);
    EQ(pass(10), 10);
    OK(attach_n(in, many, 1000));
    OK(attach_n(in, many, 200));
}

TEST(filter_bad, "what cannot be run is refused and changes nothing")
{
    pair_there(SOCK_DGRAM);
    OK(ATTACH(in, RET(5)));
    ERR(ATTACH(in, OP(BPF_LD | BPF_IMM, 1)), EINVAL); /* no return at the end */
    ERR(ATTACH(in, JUMP(BPF_JA, 1, 0, 0), RET(1)), EINVAL);
    ERR(ATTACH(in, JUMP(BPF_JA, -1, 0, 0), RET(1)), EINVAL);
    ERR(ATTACH(in, JUMP(BPF_JEQ, 0, 0, 1), RET(1)), EINVAL);
    ERR(ATTACH(in, JUMP(BPF_JEQ, 0, 1, 0), RET(1)), EINVAL);
    ERR(ATTACH(in, OP(BPF_ALU | BPF_DIV, 0), RET(1)), EINVAL);
    ERR(ATTACH(in, OP(BPF_ALU | BPF_MOD, 0), RET(1)), EINVAL);
    ERR(ATTACH(in, OP(BPF_ALU | BPF_LSH, 32), RET(1)), EINVAL);
    ERR(ATTACH(in, OP(BPF_ST, 16), RET(1)), EINVAL);
    ERR(ATTACH(in, OP(BPF_LD | BPF_MEM, 0), RET(1)),
        EINVAL); /* read before it was written */
    ERR(ATTACH(in, JUMP(BPF_JEQ, 0, 0, 1), OP(BPF_ST, 3), OP(BPF_LDX | BPF_MEM, 3),
               RET(1)),
        EINVAL);
    OK(ATTACH(in, JUMP(BPF_JEQ, 0, 0, 1), OP(BPF_ST, 3), RET(5)));
    ERR(ATTACH(in, OP(BPF_RET | BPF_X, 0)), EINVAL);
    ERR(ATTACH(in, OP(0x106, 0)), EINVAL);
    ERR(ATTACH(in, OP(BPF_LD | BPF_ABS, SKF_AD_OFF + 1), RET(1)), EINVAL);
    EQ(pass(10), 5);
}

TEST(filter_lock,
     "a locked filter stays; it is told as it was given; without one all passes")
{
    struct bpf_insn got[4];
    socklen_t n = 0;
    int one = 1, zero = 0;

    pair_there(SOCK_DGRAM);
    OK(getsockopt(in, SOL_SOCKET, SO_GET_FILTER_, got, &n));
    EQ(n, 0);
    ERR(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), ENOENT);
    OK(ATTACH(in, OP(BPF_LD | BPF_LEN, 0), OP(BPF_ALU | BPF_SUB, 1),
              OP(BPF_RET | BPF_A, 0)));
    EQ(pass(10), 9);
    OK(getsockopt(in, SOL_SOCKET, SO_GET_FILTER_, NULL, &n));
    EQ(n, 3);
    n = 2;
    ERR(getsockopt(in, SOL_SOCKET, SO_GET_FILTER_, got, &n), EINVAL);
    n = 4;
    ERR(getsockopt(in, SOL_SOCKET, SO_GET_FILTER_, (void *)16, &n), EFAULT);
    OK(getsockopt(in, SOL_SOCKET, SO_GET_FILTER_, got, &n));
    EQ(n, 3);
    EQ(got[1].code, BPF_ALU | BPF_SUB);
    EQ(got[1].k, 1);
    OK(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
    EQ(pass(10), 10);
    OK(ATTACH(in, RET(3)));
    OK(setsockopt(in, SOL_SOCKET, SO_LOCK_FILTER_, &one, sizeof(one)));
    n = sizeof(zero);
    OK(getsockopt(in, SOL_SOCKET, SO_LOCK_FILTER_, &zero, &n));
    EQ(zero, 1);
    ERR(ATTACH(in, RET(4)), EPERM);
    ERR(ATTACH(in, OP(0xffff, 0)), EPERM);
    ERR(setsockopt(in, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), EPERM);
    zero = 0;
    ERR(setsockopt(in, SOL_SOCKET, SO_LOCK_FILTER_, &zero, sizeof(zero)), EPERM);
    OK(setsockopt(in, SOL_SOCKET, SO_LOCK_FILTER_, &one, sizeof(one)));
    EQ(pass(10), 3);
}

TEST(filter_kinds,
     "messages are cut or dropped, streams are not; descriptors go with a dropped one")
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec v = {sent, 8};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c;

    pair_there(SOCK_SEQPACKET);
    OK(ATTACH(in, RET(7)));
    EQ(pass(10), 7);
    EQ(pass(5), 5);
    OK(ATTACH(in, RET(0)));
    EQ(pass(10), -1);
    pair_there(SOCK_STREAM);
    OK(ATTACH(in, RET(0)));
    EQ(pass(10), 10);
    pair_there(SOCK_DGRAM);
    OK(ATTACH(in, RET(0)));
    c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &in, sizeof(in));
    EQ(sendmsg(out, &m, 0), 8);
    ERR(recv(in, sent, 1, MSG_DONTWAIT), EAGAIN);
}

/* ---- random programs ---- */

enum { TAIL = 5, MOST = 24, LENGTH = 600 };

static const unsigned short codes[] = {
    BPF_LD | BPF_ABS,
    BPF_LD | BPF_ABS | BPF_H,
    BPF_LD | BPF_ABS | BPF_B,
    BPF_LD | BPF_IND,
    BPF_LD | BPF_IND | BPF_H,
    BPF_LD | BPF_IND | BPF_B,
    BPF_LD | BPF_IMM,
    BPF_LD | BPF_MEM,
    BPF_LD | BPF_LEN,
    BPF_LDX | BPF_IMM,
    BPF_LDX | BPF_MEM,
    BPF_LDX | BPF_LEN,
    BPF_LDX | BPF_MSH | BPF_B,
    BPF_ST,
    BPF_STX,
    BPF_ST,
    BPF_STX,
    BPF_ALU | BPF_ADD,
    BPF_ALU | BPF_SUB | BPF_X,
    BPF_ALU | BPF_MUL,
    BPF_ALU | BPF_MUL | BPF_X,
    BPF_ALU | BPF_DIV,
    BPF_ALU | BPF_DIV | BPF_X,
    BPF_ALU | BPF_MOD,
    BPF_ALU | BPF_MOD | BPF_X,
    BPF_ALU | BPF_OR,
    BPF_ALU | BPF_AND | BPF_X,
    BPF_ALU | BPF_LSH,
    BPF_ALU | BPF_LSH | BPF_X,
    BPF_ALU | BPF_RSH,
    BPF_ALU | BPF_RSH | BPF_X,
    BPF_ALU | BPF_NEG,
    BPF_ALU | BPF_XOR,
    BPF_ALU | BPF_XOR | BPF_X,
    BPF_JMP | BPF_JA,
    BPF_JMP | BPF_JEQ,
    BPF_JMP | BPF_JEQ | BPF_X,
    BPF_JMP | BPF_JGT,
    BPF_JMP | BPF_JGT | BPF_X,
    BPF_JMP | BPF_JGE,
    BPF_JMP | BPF_JGE | BPF_X,
    BPF_JMP | BPF_JSET,
    BPF_JMP | BPF_JSET | BPF_X,
    BPF_RET | BPF_A,
    BPF_MISC | BPF_TAX,
    BPF_MISC | BPF_TXA,
    BPF_MISC | BPF_TAX,
    BPF_RET,
};

static unsigned pick(unsigned n)
{
    return (unsigned)rand() % n;
}

static unsigned operand(unsigned short code, unsigned left)
{
    unsigned class = code & BPF_CLASS;

    if (class == BPF_ST || class == BPF_STX ||
        (class <= BPF_LDX && (code & BPF_MODE) == BPF_MEM))
        return pick(pick(20) ? 4 : 17);
    if (class == BPF_JMP)
        return (code & BPF_OP) == BPF_JA ? pick(left < 3 ? left + 1 : 4) : pick(300);
    if (class <= BPF_LDX && pick(8))
        return pick(LENGTH + (pick(10) ? 0 : 8));
    if (class == BPF_LD && (code & BPF_MODE) == BPF_ABS && pick(2))
        return (unsigned)SKF_AD_OFF + SKF_AD_ALU_XOR_X;
    if (class == BPF_LD && pick(2))
        return (unsigned)SKF_LL_OFF + pick(LENGTH);
    if (class == BPF_ALU)
        return pick(2) ? pick(34) : (unsigned)rand() * 3;
    return pick(3) ? pick(LENGTH) : (unsigned)rand() * 2;
}

static size_t make_up(struct bpf_insn *p)
{
    size_t n = 1 + pick(MOST);

    for (size_t i = 0; i < n; i++) {
        unsigned short code = codes[pick(pick(6) ? 44 : sizeof(codes) / sizeof(*codes))];

        p[i] = (struct bpf_insn){code, (unsigned char)pick(3), (unsigned char)pick(3),
                                 operand(code, (unsigned)(n - i))};
    }
    p[n] = OP(BPF_MISC | BPF_TAX, 0); /* all bits count in what is left */
    p[n + 1] = OP(BPF_ALU | BPF_RSH, 11);
    p[n + 2] = OP(BPF_ALU | BPF_XOR | BPF_X, 0);
    p[n + 3] = OP(BPF_ALU | BPF_AND, 0x3ff);
    p[n + 4] = OP(BPF_RET | BPF_A, 0);
    return n + TAIL;
}

/* Of a program of known codes: the words written on all ways from the start to an instruction. */
static bool model_takes(const struct bpf_insn *p, size_t n)
{
    unsigned written[MOST + TAIL + 1];

    memset(written, 0xff, sizeof(written));
    written[0] = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned class = p[i].code & BPF_CLASS, op = p[i].code & (BPF_OP | BPF_X),
                 w = written[i];
        bool memory = class == BPF_ST || class == BPF_STX ||
                      (class <= BPF_LDX && (p[i].code & BPF_MODE) == BPF_MEM);

        if (memory && p[i].k > 15)
            return false;
        if (memory && class <= BPF_LDX && !(w >> p[i].k & 1))
            return false;
        if (memory && class > BPF_LDX)
            w |= 1u << p[i].k;
        if (class == BPF_ALU && (op == BPF_DIV || op == BPF_MOD) && !p[i].k)
            return false;
        if (class == BPF_ALU && (op == BPF_LSH || op == BPF_RSH) && p[i].k > 31)
            return false;
        if (class == BPF_LD && (p[i].code & BPF_MODE) == BPF_ABS &&
            p[i].k >= (unsigned)SKF_AD_OFF &&
            p[i].k != (unsigned)SKF_AD_OFF + SKF_AD_ALU_XOR_X)
            return false;
        if (class == BPF_JMP && op == BPF_JA) {
            if (i + 1 + p[i].k >= n)
                return false;
            written[i + 1 + p[i].k] &= w;
        } else if (class == BPF_JMP) {
            if (i + 1 + p[i].jt >= n || i + 1 + p[i].jf >= n)
                return false;
            written[i + 1 + p[i].jt] &= w;
            written[i + 1 + p[i].jf] &= w;
        } else {
            written[i + 1] &= w; /* after a return too */
        }
    }
    return true;
}

/* Bytes of the message as a number; false: they are not there. */
static bool model_load(unsigned at, unsigned size, unsigned *v)
{
    int where = (int)at;

    if (where < 0 && where >= SKF_NET_OFF)
        where -= SKF_NET_OFF;
    if (where < 0 || (unsigned)where + size > LENGTH)
        return false;
    for (*v = 0; size; size--)
        *v = *v << 8 | sent[where++];
    return true;
}

static unsigned model_run(const struct bpf_insn *p)
{
    unsigned a = 0, x = 0, m[16] = {0}, v;

    for (;; p++) {
        unsigned s = p->code & BPF_X ? x : p->k;
        unsigned size = (p->code & BPF_SIZE) == BPF_B   ? 1
                        : (p->code & BPF_SIZE) == BPF_H ? 2
                                                        : 4;
        unsigned mode = p->code & BPF_MODE, *to = p->code & 1 ? &x : &a;

        if ((p->code & BPF_CLASS) <= BPF_LDX) {
            if (mode == BPF_ABS && p->k >= (unsigned)SKF_AD_OFF) {
                a ^= x;
                continue;
            }
            v = mode == BPF_IMM ? p->k : mode == BPF_MEM ? m[p->k & 15] : LENGTH;
            if (mode == BPF_MSH || mode == BPF_ABS || mode == BPF_IND)
                if (!model_load(p->k + (mode == BPF_IND ? x : 0), size, &v))
                    return 0;
            *to = mode == BPF_MSH ? (v & 15) << 2 : v;
            continue;
        }
        switch (p->code & (BPF_CLASS | BPF_OP)) {
#define MODEL(op, does)  \
    case BPF_ALU | (op): \
        does;            \
        break;
            MODEL(BPF_ADD, a += s)
            MODEL(BPF_SUB, a -= s)
            MODEL(BPF_MUL, a *= s)
            MODEL(BPF_OR, a |= s)
            MODEL(BPF_AND, a &= s)
            MODEL(BPF_XOR, a ^= s)
            MODEL(BPF_LSH, a <<= s % 32)
            MODEL(BPF_RSH, a >>= s % 32)
            MODEL(BPF_NEG, a = 0 - a)
        case BPF_ALU | BPF_DIV:
        case BPF_ALU | BPF_MOD:
            if (!s)
                return 0;
            a = (p->code & BPF_OP) == BPF_DIV ? a / s : a % s;
            break;
        case BPF_JMP | BPF_JA:
            p += p->k;
            break;
        case BPF_JMP | BPF_JEQ:
            p += a == s ? p->jt : p->jf;
            break;
        case BPF_JMP | BPF_JGT:
            p += a > s ? p->jt : p->jf;
            break;
        case BPF_JMP | BPF_JGE:
            p += a >= s ? p->jt : p->jf;
            break;
        case BPF_JMP | BPF_JSET:
            p += a & s ? p->jt : p->jf;
            break;
        case BPF_ST:
            m[p->k & 15] = a;
            break;
        case BPF_STX:
            m[p->k & 15] = x;
            break;
        case BPF_RET:
            return p->k;
        case BPF_RET | BPF_A:
            return a;
        case BPF_MISC | BPF_TAX:
            x = a;
            break;
        case BPF_MISC | BPF_TXA:
            a = x;
            break;
        }
    }
}

TEST(filter_random, "random programs are taken and run as the model does")
{
    struct bpf_insn p[MOST + TAIL];
    long taken = 0, kept = 0;

    pair_there(SOCK_DGRAM);
    for (int i = 0; i < 20000; i++) {
        size_t n;
        unsigned want;
        long got;

        srand((unsigned)i);
        n = make_up(p);
        if (!model_takes(p, n)) {
            if (attach_n(in, p, n) != -1 || errno != EINVAL)
                FAIL("program %d is taken", i);
            continue;
        }
        if (attach_n(in, p, n) != 0)
            FAIL("program %d: %s", i, strerror(errno));
        taken++;
        want = model_run(p);
        got = pass(LENGTH);
        if (got != (want == 0 ? -1 : (long)(want < LENGTH ? want : LENGTH)))
            FAIL("program %d: %ld kept, not %u", i, got, want);
        kept += got > 0;
    }
    if (taken < 5000 || kept < 1000)
        FAIL("%ld taken, %ld kept something", taken, kept);
}

/* ---- the network ---- */

static struct sockaddr_storage name;

static void network_there(int family)
{
    struct sockaddr_in *v4 = (void *)&name;
    struct sockaddr_in6 *v6 = (void *)&name;
    socklen_t len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);

    memset(&name, 0, sizeof(name));
    name.ss_family = (sa_family_t)family;
    if (family == AF_INET)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        v6->sin6_addr = in6addr_loopback;
    OK(in = socket(family, SOCK_DGRAM, 0));
    OK(bind(in, (void *)&name, len));
    OK(getsockname(in, (void *)&name, &len));
    OK(out = socket(family, SOCK_DGRAM, 0));
    OK(connect(out, (void *)&name, len));
}

/* What is loaded from a place, by its bits: with a datagram of `n` bytes. -1: nothing is there. */
static long long loaded(unsigned short code, unsigned k, size_t n)
{
    long long v = 0;

    OK(ATTACH(in, OP(BPF_LD | BPF_IMM, 7), OP(code, k), RET(-1)));
    if (pass(n) < 0)
        return -1;
    for (int bit = 0; bit < 32; bit++) {
        OK(ATTACH(in, OP(code, k), JUMP(BPF_JSET, 1u << bit, 0, 1), RET(-1), RET(0)));
        v |= (long long)(pass(n) > 0) << bit;
    }
    return v;
}

#define SEES(code, k, want) \
    EQ(loaded(BPF_LD | BPF_ABS | (code), (unsigned)(k), 100), want)

TEST(filter_udp,
     "datagrams: behind their own head, which is always kept; heads below; facts")
{
    struct sockaddr_in *v4 = (void *)&name, own;
    socklen_t len = sizeof(own);
    int mark = 77, ttl = 9, type;

    network_there(AF_INET);
    OK(getsockname(out, (void *)&own, &len));
    OK(ATTACH(in, RET(1)));
    EQ(pass(100), 0);
    OK(ATTACH(in, RET(8)));
    EQ(pass(100), 0);
    OK(ATTACH(in, RET(20)));
    EQ(pass(100), 12);
    OK(ATTACH(in, RET(-1)));
    EQ(pass(100), 100);
    EQ(pass(0), 0);
    OK(ATTACH(in, RET(0)));
    EQ(pass(0), -1);
    OK(setsockopt(out, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)));
    SEES(BPF_H, 0, ntohs(own.sin_port));
    SEES(BPF_H, 2, ntohs(v4->sin_port));
    SEES(BPF_H, 4, 108);
    SEES(BPF_W, 8, ntohl(*(unsigned *)sent));
    SEES(BPF_B, 107, sent[99]);
    SEES(BPF_B, 108, -1);
    SEES(BPF_H, 107, -1);
    EQ(loaded(BPF_LD | BPF_LEN, 0, 100), 108);
    SEES(BPF_B, SKF_NET_OFF, 0x45);
    SEES(BPF_H, SKF_NET_OFF + 2, 128);
    SEES(BPF_H, SKF_NET_OFF + 6, 0x4000);
    SEES(BPF_B, SKF_NET_OFF + 8, ttl);
    SEES(BPF_B, SKF_NET_OFF + 9, IPPROTO_UDP);
    SEES(BPF_W, SKF_NET_OFF + 12, INADDR_LOOPBACK);
    SEES(BPF_W, SKF_NET_OFF + 16, INADDR_LOOPBACK);
    SEES(BPF_H, SKF_NET_OFF + 22, ntohs(v4->sin_port));
    SEES(BPF_B, SKF_NET_OFF + 28, sent[0]);
    SEES(BPF_W, SKF_LL_OFF, 0);
    SEES(BPF_H, SKF_LL_OFF + 12, 0x0800);
    SEES(BPF_B, SKF_LL_OFF + 14, 0x45);
    SEES(BPF_W, SKF_LL_OFF - 4, -1);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_PROTOCOL, 0x0800);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_PKTTYPE, 0);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_IFINDEX, 1);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_HATYPE, 772);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_MARK, 0);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_QUEUE, 0);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_VLAN_TAG, 0);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, 0);
    if (setsockopt(out, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0)
        SEES(BPF_W, SKF_AD_OFF + SKF_AD_MARK, mark);
    len = sizeof(type);
    OK(getsockopt(in, SOL_SOCKET, SO_ERROR, &type, &len));
    EQ(type, 0);
}

/* Whether the sum of RFC 1071 over n words from a place on is 0xffff. */
static bool sums_up(unsigned k, unsigned n)
{
    struct bpf_insn p[64];
    size_t at = 0;

    for (unsigned i = 0; i < n; i++) {
        p[at++] = OP(BPF_LD | BPF_ABS | BPF_H, k + 2 * i);
        p[at++] = OP(BPF_ALU | BPF_ADD | BPF_X, 0);
        p[at++] = OP(BPF_MISC | BPF_TAX, 0);
    }
    p[at++] = OP(BPF_ALU | BPF_RSH, 16);
    p[at++] = OP(BPF_ST, 0);
    p[at++] = OP(BPF_MISC | BPF_TXA, 0);
    p[at++] = OP(BPF_ALU | BPF_AND, 0xffff);
    p[at++] = OP(BPF_LDX | BPF_MEM, 0);
    p[at++] = OP(BPF_ALU | BPF_ADD | BPF_X, 0);
    p[at++] = JUMP(BPF_JEQ, 0xffff, 0, 1);
    p[at++] = RET(-1);
    p[at++] = RET(0);
    OK(attach_n(in, p, at));
    return pass(100) == 100;
}

TEST(filter_sums,
     "the sum of IP's head is right, UDP's is that of what the card would go on from")
{
    network_there(AF_INET);
    CHECK(sums_up((unsigned)SKF_NET_OFF, 10));
    CHECK(!sums_up((unsigned)SKF_NET_OFF, 9));
    EQ(loaded(BPF_LD | BPF_ABS | BPF_H, 6, 100), 0x7f00 + 1 + 0x7f00 + 1 + 17 + 108);
    network_there(AF_INET6);
    EQ(loaded(BPF_LD | BPF_ABS | BPF_H, 6, 100), 1 + 1 + 17 + 108);
}

TEST(filter_udp6, "datagrams of IPv6")
{
    struct sockaddr_in6 *v6 = (void *)&name;

    network_there(AF_INET6);
    SEES(BPF_H, 2, ntohs(v6->sin6_port));
    SEES(BPF_H, 4, 108);
    SEES(BPF_B, SKF_NET_OFF, 0x60);
    SEES(BPF_H, SKF_NET_OFF + 4, 108);
    SEES(BPF_B, SKF_NET_OFF + 6, IPPROTO_UDP);
    SEES(BPF_B, SKF_NET_OFF + 7, 64);
    SEES(BPF_W, SKF_NET_OFF + 20, 1);
    SEES(BPF_W, SKF_NET_OFF + 36, 1);
    SEES(BPF_H, SKF_NET_OFF + 42, ntohs(v6->sin6_port));
    SEES(BPF_H, SKF_LL_OFF + 12, 0x86dd);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_PROTOCOL, 0x86dd);
}

TEST(filter_facts, "of a message of the machine there are no facts; what has no "
                   "interface ends a program")
{
    pair_there(SOCK_DGRAM);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_PROTOCOL, 0);
    SEES(BPF_W, SKF_AD_OFF + SKF_AD_MARK, 0);
    SEES(BPF_B, SKF_LL_OFF, -1);
    SEES(BPF_B, SKF_NET_OFF + 3, sent[3]);
    OK(ATTACH(in, OP(BPF_LD | BPF_IMM, 9),
              OP(BPF_LD | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX), RET(3)));
    EQ(pass(100), 9);
    OK(ATTACH(in, OP(BPF_LD | BPF_IMM, 9), OP(BPF_LD | BPF_ABS, 97), RET(3)));
    EQ(pass(100), -1);
}

TEST(filter_netlink, "answers of netlink are filtered")
{
    struct {
        unsigned len;
        unsigned short type, flags;
        unsigned seq, port;
        unsigned char family, pad[3];
    } ask = {20, 18 /* GETLINK */, 0x301, 1, 0, 0, {0}};
    int s = socket(AF_NETLINK, SOCK_RAW, 0);

    OK(s);
    OK(ATTACH(s, RET(0)));
    EQ(send(s, &ask, sizeof(ask), 0), (long)sizeof(ask));
    ERR(recv(s, sent, sizeof(sent), MSG_DONTWAIT), EAGAIN);
    close(s);
    OK(s = socket(AF_NETLINK, SOCK_RAW, 0));
    OK(ATTACH(s, OP(BPF_LD | BPF_ABS | BPF_B, 4), JUMP(BPF_JEQ, 16, 0, 1), RET(20),
              RET(0)));
    EQ(send(s, &ask, sizeof(ask), 0), (long)sizeof(ask));
    EQ(recv(s, sent, sizeof(sent), MSG_DONTWAIT), 20);
}

TEST(filter_tcp, "TCP has none: users are refused, as on Linux")
{
    int s = socket(AF_INET, SOCK_STREAM, 0);

    OK(s);
    OK(setresuid(1000, 1000, 1000));
    if (ATTACH(s, RET(0)) == 0)
        SKIP("an older kernel takes them");
    EQ(errno, EPERM);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
