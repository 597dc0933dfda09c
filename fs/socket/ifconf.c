/* SPDX-License-Identifier: MIT
 *
 * The one interface, `lo`, as the ioctls of netdevice(7) show it.
 */
#include "arch/uaccess.h"
#include "fs/socket/inet.h"
#include "fs/socket/socket_own.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define SIOCGIFNAME    0x8910u
#define SIOCGIFCONF    0x8912u
#define SIOCGIFFLAGS   0x8913u
#define SIOCSIFFLAGS   0x8914u
#define SIOCGIFADDR    0x8915u
#define SIOCSIFADDR    0x8916u
#define SIOCGIFDSTADDR 0x8917u
#define SIOCSIFDSTADDR 0x8918u
#define SIOCGIFBRDADDR 0x8919u
#define SIOCSIFBRDADDR 0x891au
#define SIOCGIFNETMASK 0x891bu
#define SIOCSIFNETMASK 0x891cu
#define SIOCGIFMETRIC  0x891du
#define SIOCGIFMTU     0x8921u
#define SIOCSIFMTU     0x8922u
#define SIOCSIFNAME    0x8923u
#define SIOCSIFHWADDR  0x8924u
#define SIOCGIFHWADDR  0x8927u
#define SIOCGIFINDEX   0x8933u
#define SIOCGIFTXQLEN  0x8942u
#define SIOCSIFTXQLEN  0x8943u
#define SIOCETHTOOL    0x8946u
#define SIOCGIFMAP     0x8970u

#define UP_LOOPBACK_RUNNING 0x49u
#define MTU                 65536
#define TXQLEN              1000
#define ARPHRD_LOOPBACK     772u

/* struct ifreq and struct ifconf. */
struct ifreq {
    char name[16];
    union {
        s32 value;
        s16 flags;
        u8 address[24];
    };
};

struct ifconf {
    s32 len;
    s32 pad;
    u64 buf;
};

static int from_user(void *to, uintptr_t from, size_t n)
{
    return from > USER_END - n || arch_copy_from_user(to, from, n) ? -EFAULT : 0;
}

static int to_user(uintptr_t to, const void *from, size_t n)
{
    return to > USER_END - n || arch_copy_to_user(to, from, n) ? -EFAULT : 0;
}

static void set_address(struct ifreq *r, u8 first, u8 last)
{
    memset(r->address, 0, sizeof(r->address));
    r->address[0] = AF_INET;
    r->address[4] = first;
    r->address[7] = last;
}

static long list_all(uintptr_t arg)
{
    struct ifreq r = {.name = "lo"};
    struct ifconf c;

    if (from_user(&c, arg, sizeof(c)))
        return -EFAULT;
    set_address(&r, 127, 1);
    if (!c.buf || c.len >= (s32)sizeof(r)) {
        if (c.buf && to_user(c.buf, &r, sizeof(r)))
            return -EFAULT;
        c.len = sizeof(r);
    } else {
        c.len = 0;
    }
    return to_user(arg, &c, sizeof(c));
}

static bool is_of_address(u32 cmd)
{
    return cmd >= SIOCGIFADDR && cmd <= SIOCSIFNETMASK;
}

/* Nothing of the interface can be changed, and it has no driver to ask. */
static bool cannot_be(u32 cmd)
{
    switch (cmd) {
    case SIOCSIFFLAGS:
    case SIOCSIFADDR:
    case SIOCSIFDSTADDR:
    case SIOCSIFBRDADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFMTU:
    case SIOCSIFNAME:
    case SIOCSIFHWADDR:
    case SIOCSIFTXQLEN:
        return true;
    default:
        return false;
    }
}

static int tell(struct ifreq *r, u32 cmd)
{
    switch (cmd) {
    case SIOCGIFNAME:
        if (r->value != 1)
            return -ENODEV;
        memset(r->name, 0, sizeof(r->name));
        memcpy(r->name, "lo", 2);
        return 0;
    case SIOCGIFFLAGS:
        r->flags = UP_LOOPBACK_RUNNING;
        return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
        set_address(r, 127, 1);
        return 0;
    case SIOCGIFBRDADDR:
        set_address(r, 0, 0);
        return 0;
    case SIOCGIFMETRIC:
        r->value = 0;
        return 0;
    case SIOCGIFTXQLEN:
        r->value = TXQLEN;
        return 0;
    case SIOCGIFMAP:
        memset(r->address, 0, sizeof(r->address));
        return 0;
    case SIOCETHTOOL:
        return -EOPNOTSUPP;
    case SIOCGIFNETMASK:
        set_address(r, 255, 0);
        return 0;
    case SIOCGIFMTU:
        r->value = MTU;
        return 0;
    case SIOCGIFHWADDR:
        memset(r->address, 0, sizeof(r->address));
        r->address[0] = ARPHRD_LOOPBACK & 0xff;
        r->address[1] = ARPHRD_LOOPBACK >> 8;
        return 0;
    case SIOCGIFINDEX:
        r->value = 1;
        return 0;
    default:
        return -ENOTTY;
    }
}

long device_ioctl(const struct socket *s, u32 cmd, uintptr_t arg)
{
    struct ifreq r = {.name = ""};
    int err;

    if (cmd >> 8 != 0x89 || (is_of_address(cmd) && s->family != AF_INET))
        return -ENOTTY;
    if (cmd == SIOCGIFCONF)
        return list_all(arg);
    if (!cannot_be(cmd) && tell(&r, cmd) == -ENOTTY)
        return -ENOTTY; /* whatever arg is */
    if (from_user(&r, arg, sizeof(r)))
        return -EFAULT;
    r.name[15] = 0;
    if (cmd != SIOCGIFNAME && strcmp(r.name, "lo") != 0)
        return -ENODEV;
    if (cannot_be(cmd) && rank_current() == RANK_USER)
        return -EPERM;
    if (cmd == SIOCSIFFLAGS && (u16)r.flags == UP_LOOPBACK_RUNNING)
        return 0; /* so they are */
    if (cannot_be(cmd))
        return -EOPNOTSUPP;
    err = tell(&r, cmd);
    return err ? err : to_user(arg, &r, sizeof(r));
}
