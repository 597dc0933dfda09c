/* SPDX-License-Identifier: MIT
 *
 * Names of AF_UNIX sockets: paths, which are names of inodes, and abstract names. unix(7).
 */
#include "fs/socket/unix.h"
#include "fs/dentry.h"
#include "fs/namei.h"
#include "fs/names.h"
#include "fs/perm.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/fmt.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define HEAD     2u   /* bytes before the name: the family */
#define NAME_LEN 108u /* of a sockaddr_un */
#define AUTO_LEN 6u   /* a zero byte and five digits */

static spinlock_t names_lock;
static struct rb_root names = RB_ROOT; /* [names_lock] of bound sockets, by their keys */
static u32 next_auto;                  /* [names_lock] */

/* A key of the tree: an inode, or the bytes of an abstract name of that type. In a tree no names
 * can be chosen that meet. */
struct key {
    const struct inode *inode;
    const u8 *bytes;
    u32 len, type;
};

static struct key key_of(const struct socket *s)
{
    if (s->path.dentry)
        return (struct key){.inode = s->path.dentry->inode};
    return (struct key){
        .bytes = s->name->bytes + HEAD, .len = s->name->len - HEAD, .type = s->type};
}

static int compare(const struct key *a, const struct key *b)
{
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->len ? memcmp(a->bytes, b->bytes, a->len) : 0;
}

/* Where k is, or is to be. */
static struct rb_node **place_of(const struct key *k, struct rb_node **parent)
{
    REQUIRES(&names_lock);
    struct rb_node **link = &names.node;

    *parent = NULL;
    while (*link) {
        struct key other = key_of(rb_entry(*link, struct socket, bound));
        int order = compare(k, &other);

        if (!order)
            break;
        *parent = *link;
        link = order < 0 ? &(*link)->left : &(*link)->right;
    }
    return link;
}

static struct socket *find(const struct key *k)
{
    struct rb_node *parent, *node = *place_of(k, &parent);

    return node ? rb_entry(node, struct socket, bound) : NULL;
}

/* s has its name, which nobody else has. */
static void enter(struct socket *s)
{
    struct key key = key_of(s);
    struct rb_node *parent, **link = place_of(&key, &parent);

    rb_insert(&names, &s->bound, parent, link, NULL);
    s->is_bound = true;
}

/* ---- what a name looks like ---- */

static struct unix_name *name_create(const u8 *bytes, u32 len)
{
    struct unix_name *name = kzalloc(sizeof(*name) + len + 1);

    if (!name)
        return NULL;
    name->refs = 1;
    name->len = len;
    memcpy(name->bytes, bytes, len);
    return name;
}

struct unix_name *unix_name_get(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    if (s->name)
        __atomic_fetch_add(&s->name->refs, 1, __ATOMIC_RELAXED);
    return s->name;
}

void unix_name_put(struct unix_name *name)
{
    if (__atomic_sub_fetch(&name->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kfree(name);
}

void unix_address(const struct unix_name *name, struct address *out)
{
    out->len = name ? name->len : HEAD;
    if (name)
        memcpy(out->bytes, name->bytes, name->len);
    out->bytes[0] = AF_UNIX;
    out->bytes[1] = 0;
}

/* A path ends at its first zero byte, and has one afterwards. */
static int check_address(const struct address *a)
{
    if (a->len <= HEAD || a->len > HEAD + NAME_LEN)
        return -EINVAL;
    return a->bytes[0] == AF_UNIX && a->bytes[1] == 0 ? 0 : -EINVAL;
}

static bool is_abstract(const struct address *a)
{
    return !a->bytes[HEAD];
}

/* ---- binding ---- */

static void set_name(struct socket *s, struct unix_name *name)
{
    SCOPED_LOCK(&s->lock);
    s->name = name;
}

static int bind_abstract(struct socket *s, const u8 *bytes, u32 len)
{
    struct unix_name *name = name_create(bytes, len);
    struct key key;
    int err = 0;

    if (!name)
        return -ENOMEM;
    key = (struct key){.bytes = name->bytes + HEAD, .len = len - HEAD, .type = s->type};
    spin_lock(&names_lock);
    if (find(&key)) {
        err = -EADDRINUSE;
    } else {
        set_name(s, name);
        enter(s);
    }
    spin_unlock(&names_lock);
    if (err)
        unix_name_put(name);
    return err;
}

/* The file that an address names. */
static int find_file(const struct address *a, unsigned how, struct fs_context *fs,
                     struct path *out)
{
    char path[NAME_LEN + 1];
    u32 len = (u32)strnlen((const char *)a->bytes + HEAD, a->len - HEAD);

    memcpy(path, a->bytes + HEAD, len);
    path[len] = 0;
    return vfs_lookup(fs, NULL, path, how, out);
}

static int bind_path(struct socket *s, const struct address *a, struct fs_context *fs)
{
    char *path = (char *)a->bytes + HEAD;
    u32 len = (u32)strnlen(path, a->len - HEAD);
    struct unix_name *name = name_create(a->bytes, HEAD + len + 1);
    int err;

    if (!name)
        return -ENOMEM;
    name->bytes[HEAD + len] = 0;
    err = vfs_mksock(fs, (char *)name->bytes + HEAD, &s->path);
    if (err) {
        unix_name_put(name);
        return err == -EEXIST ? -EADDRINUSE : err;
    }
    SCOPED_LOCK(&names_lock);
    set_name(s, name);
    enter(s);
    return 0;
}

static int autobind(struct socket *s)
{
    REQUIRES(&s->naming);
    u8 bytes[HEAD + AUTO_LEN + 1] = {AF_UNIX};
    int err = -EADDRINUSE;

    for (u32 tries = 0; err == -EADDRINUSE && tries <= 0xfffff; tries++) {
        u32 n;

        spin_lock(&names_lock);
        n = next_auto++ & 0xfffff;
        spin_unlock(&names_lock);
        fmt_snprintf((char *)bytes + HEAD + 1, AUTO_LEN, "%05x", n);
        err = bind_abstract(s, bytes, HEAD + AUTO_LEN);
        pause_anyway();
    }
    return err == -EADDRINUSE ? -ENOSPC : err;
}

int unix_autobind(struct socket *s)
{
    int err = 0;

    if (READ_ONCE(s->name))
        return 0;
    mutex_lock(&s->naming);
    if (!s->name)
        err = autobind(s);
    mutex_unlock(&s->naming);
    return err;
}

static bool path_is_taken(const struct address *a, struct fs_context *fs)
{
    struct path path;

    if (find_file(a, 0, fs, &path) != 0)
        return false;
    path_put(&path);
    return true;
}

static int bind_named(struct socket *s, const struct address *a, struct fs_context *fs)
{
    REQUIRES(&s->naming);
    int err;

    if (a->len == HEAD && a->bytes[0] == AF_UNIX && a->bytes[1] == 0)
        return s->name ? 0 : autobind(s);
    err = check_address(a);
    if (err)
        return err;
    if (s->name) /* as Linux, which makes the file first and looks at the socket then */
        return is_abstract(a) || !path_is_taken(a, fs) ? -EINVAL : -EADDRINUSE;
    return is_abstract(a) ? bind_abstract(s, a->bytes, a->len) : bind_path(s, a, fs);
}

int unix_bind(struct socket *s, const struct address *a, struct fs_context *fs)
{
    SCOPED_LOCK(&s->naming);
    return bind_named(s, a, fs);
}

void unix_unbind(struct socket *s)
{
    spin_lock(&names_lock);
    if (s->is_bound)
        rb_erase(&names, &s->bound, NULL);
    s->is_bound = false;
    spin_unlock(&names_lock);
    path_put(&s->path);
    s->path = (struct path){NULL, NULL};
}

/* ---- finding ---- */

static int find_path(const struct address *a, struct fs_context *fs, struct path *out)
{
    int err = find_file(a, LOOKUP_FOLLOW, fs, out);

    if (err)
        return err;
    err = inode_permission(fs->cred, out->dentry->inode, MAY_WRITE);
    if (!err && (out->dentry->inode->mode & S_IFMT) != S_IFSOCK)
        err = -ECONNREFUSED;
    if (err)
        path_put(out);
    return err;
}

int unix_find(const struct address *a, u32 type, struct fs_context *fs,
              struct socket **out)
{
    struct path path = {NULL, NULL};
    struct key key = {.bytes = a->bytes + HEAD, .len = a->len - HEAD, .type = type};
    struct socket *found;
    int err = check_address(a);

    if (!err && !is_abstract(a)) {
        err = find_path(a, fs, &path);
        key = (struct key){.inode = err ? NULL : path.dentry->inode};
    }
    if (err)
        return err;
    spin_lock(&names_lock);
    found = find(&key);
    if (!found)
        err = -ECONNREFUSED;
    else if (found->type != type)
        err = -EPROTOTYPE;
    else
        socket_get(*out = found);
    spin_unlock(&names_lock);
    path_put(&path);
    return err;
}
