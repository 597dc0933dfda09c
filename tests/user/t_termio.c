/* SPDX-License-Identifier: MIT
 *
 * struct termio, the older form of a terminal's settings: the low halves of the flags and
 * the first eight characters; the rest stays. Breaks, and who may name the foreground group.
 */
#include "tests/user/t.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TCGETA
#define TCGETA  0x5405
#define TCSETA  0x5406
#define TCSETAW 0x5407
#define TCSETAF 0x5408
#endif

struct old {
    unsigned short iflag, oflag, cflag, lflag;
    unsigned char line, cc[8];
};

static int slave(int *master)
{
    char name[64];
    int s;

    OK(*master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    OK(grantpt(*master));
    OK(unlockpt(*master));
    EQ(ptsname_r(*master, name, sizeof(name)), 0);
    OK(s = open(name, O_RDWR | O_NOCTTY));
    return s;
}

TEST(both, "what one form sets the other shows")
{
    int m, s = slave(&m);
    struct termios t, after;
    struct old o;

    OK(tcgetattr(s, &t));
    OK(ioctl(s, TCGETA, &o));
    EQ(o.lflag, t.c_lflag & 0xffff);
    EQ(o.iflag, t.c_iflag & 0xffff);
    EQ(o.cc[VINTR], t.c_cc[VINTR]);
    t.c_iflag |= 0x10000; /* a high half, which termio cannot name */
    OK(tcsetattr(s, TCSANOW, &t));
    o.lflag &= (unsigned short)~ECHO;
    o.cc[VINTR] = 7;
    for (int i = 0; i < 3; i++) {
        OK(ioctl(s, TCSETA + i, &o));
        OK(tcgetattr(s, &after));
        EQ(after.c_lflag & ECHO, 0);
        EQ(after.c_cc[VINTR], 7);
        EQ(after.c_cc[VSUSP], t.c_cc[VSUSP]);
        EQ(after.c_iflag, t.c_iflag);
        o.cc[VINTR] = 7;
    }
    OK(close(s));
    OK(close(m));
}

TEST(flushed, "TCSETAF throws away what was typed, TCSETAW does not")
{
    int m, s = slave(&m), n;
    struct old o;

    OK(ioctl(s, TCGETA, &o));
    EQ(write(m, "line\n", 5), 5);
    OK(ioctl(s, TCSETAW, &o));
    do
        OK(ioctl(s, FIONREAD, &n));
    while (n != 5);
    OK(ioctl(s, TCSETAF, &o));
    OK(ioctl(s, FIONREAD, &n));
    EQ(n, 0);
    ERR(ioctl(s, TCGETA, (void *)16), EFAULT);
    ERR(ioctl(s, TCSETA, (void *)16), EFAULT);
    OK(close(s));
    OK(close(m));
}

TEST(locked, "what TIOCSLCKTRMIOS locks stays as it is")
{
    int m, s = slave(&m);
    struct termios t, after, locked;

    memset(&locked, 1, sizeof(locked));
    OK(ioctl(s, 0x5456, &locked));
    EQ(locked.c_lflag | locked.c_iflag | locked.c_oflag | locked.c_cflag, 0);
    if (geteuid() != 0)
        SKIP("only root may lock them");
    locked.c_lflag = ECHO;
    locked.c_cc[VINTR] = 1;
    OK(ioctl(s, 0x5457, &locked));
    OK(tcgetattr(s, &t));
    after = t;
    after.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    after.c_cc[VINTR] = 7;
    after.c_cc[VSUSP] = 7;
    OK(tcsetattr(s, TCSANOW, &after));
    OK(tcgetattr(s, &after));
    EQ(after.c_lflag & (ECHO | ISIG), ECHO);
    EQ(after.c_cc[VINTR], t.c_cc[VINTR]);
    EQ(after.c_cc[VSUSP], 7);
    EQ(ioctl(s, 0x5456, &locked), 0);
    EQ(locked.c_lflag, ECHO);
    ERR(ioctl(s, 0x5457, (void *)16), EFAULT);
    OK(close(s));
    OK(close(m));
}

/* struct termios2 of the kernel. */
struct new
{
    unsigned iflag, oflag, cflag, lflag;
    unsigned char line, cc[19];
    unsigned ispeed, ospeed;
};
#define GETS2 0x802c542a
#define SETS2 0x402c542b
#define BAUDS 0010017
#define OTHER 0010000

static unsigned speed(int fd)
{
    struct new n;

    OK(ioctl(fd, (int)GETS2, &n));
    EQ(n.ispeed, n.ospeed);
    return n.ospeed;
}

TEST(first, "what a new one begins with")
{
    int m, s = slave(&m);
    struct termios t;

    OK(tcgetattr(s, &t));
    EQ(t.c_iflag, ICRNL | IXON);
    EQ(t.c_oflag, OPOST | ONLCR);
    EQ(t.c_cflag, B38400 | CS8 | CREAD);
    EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    EQ(t.c_cc[VDISCARD], 'O' - 64);
    EQ(t.c_cc[VEOL2], 0);
    EQ(speed(s), 38400);
}

TEST(speeds, "speeds by their names and as numbers")
{
    static const struct {
        unsigned name, bits;
    } all[] = {{B50, 50},
               {B9600, 9600},
               {B57600, 57600},
               {B115200, 115200},
               {B4000000, 4000000}};
    int m, s = slave(&m);
    struct termios t;
    struct new n;

    OK(tcgetattr(s, &t));
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        t.c_cflag = (t.c_cflag & ~(unsigned)BAUDS) | all[i].name;
        OK(tcsetattr(s, TCSANOW, &t));
        EQ(speed(s), all[i].bits);
    }
    OK(ioctl(s, (int)GETS2, &n));
    n.cflag = (n.cflag & ~(unsigned)BAUDS) | OTHER;
    n.ispeed = n.ospeed = 12345;
    OK(ioctl(s, SETS2, &n));
    EQ(speed(s), 12345);
}

TEST(alone, "TIOCEXCL: nobody else opens it")
{
    int m, s = slave(&m), on = -1;
    char name[64];

    EQ(ptsname_r(m, name, sizeof(name)), 0);
    OK(chmod(name, 0666));
    OK(ioctl(s, TIOCEXCL));
    OK(ioctl(s, (int)0x80045440 /* TIOCGEXCL */, &on));
    EQ(on, 1);
    if (geteuid() == 0) {
        OK(close(open(name, O_RDWR | O_NOCTTY)));
        OK(setresuid(65534, 65534, 65534));
    }
    ERR(open(name, O_RDWR | O_NOCTTY), EBUSY);
    OK(ioctl(s, TIOCNXCL));
    OK(close(open(name, O_RDWR | O_NOCTTY)));
}

TEST(breaks, "a terminal without a line takes a break, and does nothing")
{
    int m, s = slave(&m);

    OK(ioctl(s, TIOCSBRK));
    OK(ioctl(s, TIOCCBRK));
    OK(ioctl(m, TIOCSBRK));
    OK(tcsendbreak(s, 0));
}

/* An orphan in the background, who would stop for ever. */
static void orphan(int s, int tell, pid_t between)
{
    int me;
    char errors[2];

    OK(setpgid(0, 0));
    while (getppid() == between)
        t_nap(1000);
    me = getpid();
    errors[0] = (char)(ioctl(s, TIOCSPGRP, &me) ? errno : 0);
    errors[1] = (char)(ioctl(s, TCFLSH, TCIFLUSH) ? errno : 0);
    EQ(write(tell, errors, 2), 2);
    _exit(0);
}

TEST(foreground,
     "TIOCSPGRP: arguments first, then whose terminal it is; an orphan has none")
{
    int m, s = slave(&m), none = -1, mine = getpgrp(), ends[2];
    char errors[2] = {0};

    ERR(ioctl(s, TIOCSPGRP, 8), EFAULT);
    ERR(ioctl(s, TIOCSPGRP, &none), EINVAL);
    ERR(ioctl(s, TIOCSPGRP, &mine), ENOTTY);
    OK(pipe(ends));
    CHILD({
        pid_t between;

        OK(setsid());
        OK(ioctl(s, TIOCSCTTY, 0));
        between = t_fork();
        if (!between) {
            pid_t me = getpid();

            if (!fork())
                orphan(s, ends[1], me);
            _exit(0);
        }
        t_join(between);
        EQ(read(ends[0], errors, 2), 2); /* the session lives until then */
        EQ(errors[0], ENOTTY);
        EQ(errors[1], EIO);
    });
}

TEST(typed, "TIOCSTI: a byte as from the keyboard, at one's own terminal or for root")
{
    int m = posix_openpt(O_RDWR | O_NOCTTY), s, status;
    char got[20];
    pid_t pid;

    OK(m);
    OK(grantpt(m));
    OK(unlockpt(m));
    OK(s = open(ptsname(m), O_RDWR | O_NOCTTY));
    for (const char *c = "ax\177b\n"; *c; c++)
        if (ioctl(s, TIOCSTI, c))
            SKIP("TIOCSTI: %s", strerror(errno));
    EQ(read(s, got, sizeof(got)), 3);
    CHECK(!memcmp(got, "ab\n", 3));
    EQ(read(m, got, 4), 4); /* and echoed */
    ERR(ioctl(s, TIOCSTI, NULL), EFAULT);
    CHILD(OK(setuid(65534)); ERR(ioctl(s, TIOCSTI, "x"), EPERM));
    pid = t_fork();
    if (!pid) {
        OK(setsid());
        OK(ioctl(s, TIOCSCTTY, 0));
        OK(setuid(65534));
        OK(ioctl(s, TIOCSTI, "x"));
        ioctl(s, TIOCSTI, "\3"); /* ^C ends it */
        t_nap(10000000);
        _exit(0);
    }
    status = t_status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}

TEST(line, "a pseudo-terminal keeps eight bits, no parity and its receiver")
{
    int m, s = slave(&m);
    struct termios t;
    struct old o;

    OK(tcgetattr(s, &t));
    t.c_cflag = B9600 | CS5 | PARENB | PARODD | CSTOPB;
    OK(ioctl(s, TCSETS, &t));
    OK(tcgetattr(s, &t));
    EQ(t.c_cflag, B9600 | CS8 | CREAD | PARODD | CSTOPB);
    OK(ioctl(m, TCGETA, &o));
    o.cflag = B9600 | CS6;
    OK(ioctl(m, TCSETA, &o));
    OK(tcgetattr(s, &t));
    EQ(t.c_cflag & 0xffff, B9600 | CS8 | CREAD);
}
