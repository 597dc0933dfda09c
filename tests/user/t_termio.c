/* SPDX-License-Identifier: MIT
 *
 * struct termio, the older form of a terminal's settings: the low halves of the flags and
 * the first eight characters; the rest stays.
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

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
