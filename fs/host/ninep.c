/* SPDX-License-Identifier: MIT
 *
 * Requests and answers of 9P2000.L (diod's protocol.md): little-endian numbers, strings with a
 * length of two bytes before them.
 */
#include "fs/host/ninep.h"
#include "arch/hostshare.h"
#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

enum {
    R_ERROR = 7,
    T_OPEN = 12,
    T_READLINK = 22,
    T_GETATTR = 24,
    T_READDIR = 40,
    T_VERSION = 100,
    T_ATTACH = 104,
    T_WALK = 110,
    T_READ = 116,
    T_CLUNK = 120,
};

#define HEADER     7u /* size, type, tag */
#define QID        13u
#define NOBODY     0xffffffffu
#define TAG        1u
#define WANT_BASIC 0x7ffull
#define SECOND_NS  1000000000ll

struct mutex ninep_lock = {.queue = LIST_INIT(ninep_lock.queue)};

static u8 *request;
static const u8 *answer;
static u32 last_fid;
static bool tried;
static int state = -ENODEV; /* of the session */
static char tag_there[32];

/* What is being written or read; `bad` once it did not fit. */
struct text {
    u8 *to;
    const u8 *from, *end;
    bool bad;
};

static void put(struct text *t, u64 value, size_t n)
{
    t->bad |= t->to + n > request + SHARE_REQUEST;
    for (size_t i = 0; i < n && !t->bad; i++)
        *t->to++ = (u8)(value >> 8 * i);
}

static void put_string(struct text *t, const char *s, size_t len)
{
    put(t, len, 2);
    for (size_t i = 0; i < len; i++)
        put(t, (u8)s[i], 1);
}

static u64 get(struct text *t, size_t n)
{
    u64 value = 0;

    if (t->bad || (size_t)(t->end - t->from) < n) {
        t->bad = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        value |= (u64)*t->from++ << 8 * i;
    return value;
}

/* n bytes as they are; NULL: there are not so many. */
static const u8 *get_bytes(struct text *t, size_t n)
{
    const u8 *at = t->from;

    if (t->bad || (size_t)(t->end - t->from) < n) {
        t->bad = true;
        return NULL;
    }
    t->from += n;
    return at;
}

static struct text begin(u8 type)
{
    struct text t = {.to = request + 4};

    REQUIRES_EXCLUSIVE(&ninep_lock);
    put(&t, type, 1);
    put(&t, TAG, 2);
    return t;
}

/* The server's errno, as far as it is one. */
static int error_of(struct text *t)
{
    u64 code = get(t, 4);

    return t->bad || code == 0 || code > 133 ? -EIO : -(int)code;
}

/* Sends what was written, begun with this type; afterwards t reads the answer's body. */
static int ask(struct text *t, u8 type)
{
    size_t n = (size_t)(t->to - request);
    ssize_t got;
    u64 size, kind, tag;

    if (t->bad)
        return -ENAMETOOLONG;
    for (size_t i = 0; i < 4; i++)
        request[i] = (u8)(n >> 8 * i);
    got = share_exchange(n);
    if (got < 0)
        return (int)got;
    *t = (struct text){.from = answer, .end = answer + got};
    size = get(t, 4);
    kind = get(t, 1);
    tag = get(t, 2);
    if (t->bad || size < HEADER || size > (u64)got || tag != TAG)
        return -EIO;
    t->end = answer + size;
    if (kind == R_ERROR)
        return error_of(t);
    return kind == type + 1u ? 0 : -EIO;
}

static int version(void)
{
    static const char wanted[] = "9P2000.L";
    struct text t = {.to = request + 4};
    const u8 *text;
    u64 size;
    int err;

    put(&t, T_VERSION, 1);
    put(&t, TAG, 2);
    put(&t, SHARE_ANSWER, 4);
    put_string(&t, wanted, sizeof(wanted) - 1);
    err = ask(&t, T_VERSION);
    if (err)
        return err;
    size = get(&t, 4);
    if (get(&t, 2) != sizeof(wanted) - 1 || !(text = get_bytes(&t, sizeof(wanted) - 1)) ||
        memcmp(text, wanted, sizeof(wanted) - 1) != 0)
        return -EOPNOTSUPP;
    return size == SHARE_ANSWER ? 0 : -EIO;
}

int ninep_attach(const char *tag, u32 *fid)
{
    struct text t;
    int err;

    if (!tried) {
        tried = true;
        state = share_open(tag_there, sizeof(tag_there), &request, &answer);
        if (!state)
            state = version();
    }
    if (state || (*tag && strcmp(tag, tag_there) != 0))
        return state ? state : -ENODEV;
    t = begin(T_ATTACH);
    put(&t, *fid = ++last_fid, 4);
    put(&t, NOBODY, 4);
    put_string(&t, "root", 4);
    put_string(&t, "", 0);
    put(&t, 0, 4);
    err = ask(&t, T_ATTACH);
    return err ? err : get_bytes(&t, QID) ? 0 : -EIO;
}

int ninep_walk(u32 dir, const char *name, size_t len, u32 *fid)
{
    struct text t = begin(T_WALK);
    u32 steps = name != NULL;
    int err;

    if (last_fid == NOBODY - 1)
        return -ENFILE;
    put(&t, dir, 4);
    put(&t, *fid = ++last_fid, 4);
    put(&t, steps, 2);
    if (name)
        put_string(&t, name, len);
    err = ask(&t, T_WALK);
    if (err)
        return err;
    return get(&t, 2) == steps && !t.bad ? 0 : -EIO;
}

void ninep_forget(u32 fid)
{
    struct text t = begin(T_CLUNK);

    put(&t, fid, 4);
    (void)ask(&t, T_CLUNK); /* if that fails there is nothing more to be done */
}

static s64 get_time(struct text *t)
{
    s64 seconds = (s64)get(t, 8), ns = (s64)get(t, 8), most = 1ll << 33;

    if (seconds < -most || seconds >= most || ns < 0 || ns >= SECOND_NS)
        return 0;
    return seconds * SECOND_NS + ns;
}

int ninep_getattr(u32 fid, struct ninep_attr *a)
{
    struct text t = begin(T_GETATTR);
    int err;

    put(&t, fid, 4);
    put(&t, WANT_BASIC, 8);
    err = ask(&t, T_GETATTR);
    if (err)
        return err;
    (void)get(&t, 8); /* what is valid */
    (void)get_bytes(&t, QID);
    a->mode = (u32)get(&t, 4);
    a->uid = (u32)get(&t, 4);
    a->gid = (u32)get(&t, 4);
    a->nlink = (u32)get(&t, 8);
    a->rdev = get(&t, 8);
    a->size = get(&t, 8);
    (void)get(&t, 8); /* block size */
    a->blocks = get(&t, 8);
    a->atime_ns = get_time(&t);
    a->mtime_ns = get_time(&t);
    a->ctime_ns = get_time(&t);
    return t.bad ? -EIO : 0;
}

int ninep_open(u32 fid)
{
    struct text t = begin(T_OPEN);

    put(&t, fid, 4);
    put(&t, 0, 4);
    return ask(&t, T_OPEN);
}

static ssize_t read_some(u8 type, u32 fid, u64 offset, u32 count, const u8 **bytes)
{
    struct text t = begin(type);
    u64 n;
    int err;

    put(&t, fid, 4);
    put(&t, offset, 8);
    put(&t, count, 4);
    err = ask(&t, type);
    if (err)
        return err;
    n = get(&t, 4);
    *bytes = n <= count ? get_bytes(&t, n) : NULL;
    return *bytes ? (ssize_t)n : -EIO;
}

ssize_t ninep_read(u32 fid, u64 offset, u32 count, const u8 **bytes)
{
    return read_some(T_READ, fid, offset, MIN(count, NINEP_READ_MAX), bytes);
}

ssize_t ninep_readdir(u32 fid, u64 offset, const u8 **bytes)
{
    return read_some(T_READDIR, fid, offset, NINEP_READ_MAX, bytes);
}

/* A string that is no name, or a text with a NUL inside, is none. */
static int copy_string(struct text *t, char *to, size_t size)
{
    size_t len = get(t, 2);
    const u8 *text = get_bytes(t, len);

    if (!text || len == 0 || len >= size)
        return -EIO;
    memcpy(to, text, len);
    to[len] = '\0';
    return strlen(to) == len ? 0 : -EIO;
}

int ninep_next(const u8 **at, const u8 *end, struct ninep_entry *e)
{
    struct text t = {.from = *at, .end = end};

    if (*at == end)
        return 0;
    (void)get_bytes(&t, QID);
    e->next = get(&t, 8);
    (void)get(&t, 1);
    if (t.bad || copy_string(&t, e->name, sizeof(e->name)) != 0 || strchr(e->name, '/'))
        return -EIO;
    *at = t.from;
    return 1;
}

int ninep_readlink(u32 fid, char *text, size_t size)
{
    struct text t = begin(T_READLINK);
    int err;

    put(&t, fid, 4);
    err = ask(&t, T_READLINK);
    return err ? err : copy_string(&t, text, size);
}
