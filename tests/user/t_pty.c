/* SPDX-License-Identifier: MIT
 *
 * Pseudo-terminals: pairs, line discipline, controlling terminals, job control, packets, ends.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#ifndef TIOCGPTLCK
#define TIOCGPTLCK 0x80045439
#endif

static int master, slave;

static void pair(void)
{
    int unlocked = 0;
    char name[32], *got;
    unsigned number;

    OK(master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    OK(ioctl(master, TIOCGPTN, &number));
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    CHECK((got = ptsname(master)) && strcmp(got, name) == 0);
    ERR(open(name, O_RDWR | O_NOCTTY), EIO); /* locked */
    OK(ioctl(master, TIOCSPTLCK, &unlocked));
    OK(slave = open(name, O_RDWR | O_NOCTTY));
    CHECK(isatty(slave) && isatty(master));
}

static void raw(void)
{
    struct termios t;

    OK(tcgetattr(slave, &t));
    cfmakeraw(&t);
    OK(tcsetattr(slave, TCSANOW, &t));
}

static void reads(int fd, const char *want)
{
    char have[256];
    size_t len = strlen(want), n = 0;

    while (n < len) {
        ssize_t part = read(fd, have + n, len - n);

        if (part <= 0)
            FAIL("read gave %zd, errno %d, after %zu bytes", part, errno, n);
        n += (size_t)part;
    }
    if (memcmp(have, want, len))
        FAIL("read \"%.*s\", not \"%s\"", (int)len, have, want);
}

static void writes(int fd, const char *text)
{
    EQ(write(fd, text, strlen(text)), strlen(text));
}

TEST(pair_, "what one end writes the other reads, edited and echoed")
{
    struct stat st;
    int number;

    pair();
    writes(master, "ab\177c\n");
    reads(slave, "ac\n");
    reads(master, "ab\b \bc\r\n");
    writes(slave, "out\n");
    reads(master, "out\r\n");
    OK(fstat(slave, &st));
    EQ(st.st_rdev >> 8, 136);
    OK(ioctl(master, TIOCGPTLCK, &number));
    EQ(number, 0);
    raw();
    writes(master, "x\003\ny");
    reads(slave, "x\003\ny");
}

TEST(peer, "TIOCGPTPEER opens the slave, which is its name's")
{
    int fd, unlocked = 0;

    OK(master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    OK(ioctl(master, TIOCSPTLCK, &unlocked));
    OK(fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    CHECK(ttyname(fd) && strcmp(ttyname(fd), ptsname(master)) == 0);
    writes(fd, "p");
    reads(master, "p");
}

TEST(ends,
     "the end of the slave is EIO and POLLHUP for the master, that of the master EOF")
{
    struct pollfd p = {.events = POLLIN};
    char c, name[32];

    pair();
    strcpy(name, ptsname(master));
    writes(slave, "last");
    OK(close(slave));
    reads(master, "last");
    ERR(read(master, &c, 1), EIO);
    p.fd = master;
    EQ(poll(&p, 1, 0), 1);
    CHECK(p.revents & POLLHUP);
    OK(slave = open(name, O_RDWR | O_NOCTTY)); /* it may come back */
    writes(slave, "again");
    reads(master, "again");
    OK(close(master));
    EQ(read(slave, &c, 1), 0);
    ERR(write(slave, "x", 1), EIO);
    p.fd = slave;
    EQ(poll(&p, 1, 0), 1);
    CHECK(p.revents & POLLHUP);
    ERR(open(name, O_RDWR | O_NOCTTY), ENOENT);
}

TEST(early, "what is typed while no slave is open waits for one")
{
    char name[32];
    int was;

    pair();
    strcpy(name, ptsname(master));
    was = slave;
    for (int i = 0; i < 2; i++) {
        OK(close(was));
        writes(master, "abc\n");
        OK(was = open(name, O_RDWR | O_NOCTTY));
        reads(was, "abc\n");
        reads(master, "abc\r\n");
    }
}

TEST(nonblocking, "a full terminal stops who writes; an empty one who reads")
{
    char bytes[1024];
    long n = 0;

    pair();
    raw();
    memset(bytes, 'x', sizeof(bytes));
    OK(fcntl(master, F_SETFL, O_NONBLOCK));
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    ERR(read(slave, bytes, 1), EAGAIN);
    ERR(read(master, bytes, 1), EAGAIN);
    for (int i = 0; i < 10000 && write(slave, bytes, sizeof(bytes)) > 0; i++)
        n++;
    CHECK(n > 1 && n < 10000);
    EQ(errno, EAGAIN);
    EQ(read(master, bytes, sizeof(bytes)) > 0, 1);
}

static volatile int winch;

static void on_winch(int signo)
{
    winch += signo == SIGWINCH;
}

/* The case's process becomes the leader of a session on the slave. */
static void lead(void)
{
    pid_t pid = t_fork();
    int status;

    if (pid) { /* setsid needs one that leads no group */
        close(master);
        close(slave);
        EQ(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            FAIL("the session ended with %#x", status);
        _exit(0);
    }
    OK(setsid());
}

TEST(window, "a new window size is told to the foreground group")
{
    struct winsize w = {.ws_row = 11, .ws_col = 22}, v;

    pair();
    lead();
    signal(SIGWINCH, on_winch);
    OK(ioctl(slave, TIOCSCTTY, 0));
    OK(ioctl(master, TIOCSWINSZ, &w));
    EQ(winch, 1);
    OK(ioctl(slave, TIOCGWINSZ, &v));
    EQ(v.ws_row, 11);
    EQ(v.ws_col, 22);
    OK(ioctl(slave, TIOCSWINSZ, &w)); /* the same: nobody is told */
    EQ(winch, 1);
}

TEST(control, "controlling terminal: taken, /dev/tty, given up, not another's")
{
    int fd;
    pid_t sid, pgrp;

    pair();
    lead();
    ERR(open("/dev/tty", O_RDWR), ENXIO);
    ERR(ioctl(slave, TIOCGSID, &sid), ENOTTY);
    OK(fd = open(ptsname(master), O_RDWR | O_NOCTTY));
    EQ(fcntl(fd, F_GETFL) & O_NOCTTY, 0);
    ERR(open("/dev/tty", O_RDWR), ENXIO);
    OK(fd = open(ptsname(master), O_RDWR)); /* takes it */
    OK(ioctl(slave, TIOCGSID, &sid));
    EQ(sid, getsid(0));
    OK(ioctl(master, TIOCGPGRP, &pgrp));
    EQ(pgrp, getpgrp());
    OK(fd = open("/dev/tty", O_RDWR));
    writes(fd, "t");
    reads(master, "t");
    signal(SIGHUP, SIG_IGN);
    OK(ioctl(slave, TIOCNOTTY));
    ERR(open("/dev/tty", O_RDWR), ENXIO);
}

static volatile int hups, ints;

static void on_signal(int signo)
{
    hups += signo == SIGHUP;
    ints += signo == SIGINT;
}

TEST(by_master, "the master, too, makes the slave the controlling terminal")
{
    int fd;

    pair();
    close(slave);
    lead();
    OK(ioctl(master, TIOCSCTTY, 0));
    OK(ioctl(master, TIOCSCTTY, 0));
    ERR(ioctl(master, TIOCNOTTY), ENOTTY);
    OK(fd = open("/dev/tty", O_RDWR | O_NOCTTY));
    EQ(tcgetsid(fd), getsid(0));
    EQ(tcgetpgrp(master), getpgrp());
    OK(tcsetpgrp(master, getpgrp()));
}

TEST(typed_signals, "^C at the master is SIGINT, its close SIGHUP")
{
    char c;

    pair();
    lead();
    signal(SIGINT, on_signal);
    signal(SIGHUP, on_signal);
    OK(ioctl(slave, TIOCSCTTY, 0));
    writes(master, "\003");
    while (!ints)
        usleep(1000);
    OK(close(master));
    while (!hups) /* the last of the other processes that have it closes it too */
        usleep(1000);
    EQ(read(slave, &c, 1), 0);
    ERR(open("/dev/tty", O_RDWR), ENXIO);
}

TEST(background, "a group in the background stops when it reads, and writes with TOSTOP")
{
    struct termios t;
    int status;
    pid_t pid;
    char c;

    pair();
    lead();
    OK(ioctl(slave, TIOCSCTTY, 0));
    for (int writing = 0; writing < 2; writing++) {
        pid = t_fork();
        if (!pid) {
            setpgid(0, 0);
            if (writing)
                _exit(write(slave, "w", 1) == 1 ? 3 : 1);
            _exit(read(slave, &c, 1) == 1 ? 3 : 1);
        }
        setpgid(pid, pid);
        EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status));
        EQ(WSTOPSIG(status), writing ? SIGTTOU : SIGTTIN);
        OK(tcsetpgrp(slave, pid));
        EQ(tcgetpgrp(slave), pid);
        if (!writing)
            writes(master, "g\n");
        OK(kill(pid, SIGCONT));
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 3 << 8);
        signal(SIGTTOU, SIG_IGN);
        OK(tcsetpgrp(slave, getpgrp()));
        signal(SIGTTOU, SIG_DFL);
        OK(tcgetattr(slave, &t));
        t.c_lflag |= TOSTOP;
        OK(tcsetattr(slave, TCSANOW, &t));
    }
}

TEST(packets, "packet mode: data behind a zero, news alone")
{
    int on = 1;
    char bytes[16];

    pair();
    raw();
    OK(ioctl(master, TIOCPKT, &on));
    writes(slave, "abc");
    EQ(read(master, bytes, sizeof(bytes)), 4);
    EQ(memcmp(bytes, "\0abc", 4), 0);
    OK(tcflush(slave, TCOFLUSH));
    OK(ioctl(master, TIOCPKT, &on)); /* on already: the news stays */
    EQ(read(master, bytes, sizeof(bytes)), 1);
    EQ(bytes[0] & TIOCPKT_FLUSHWRITE, TIOCPKT_FLUSHWRITE);
}

/* What the master reads when it types that. */
static void shows(const char *typed, const char *want)
{
    char bytes[256];
    size_t n = 0;

    writes(master, typed);
    for (ssize_t got; n < strlen(want); n += (size_t)got) {
        got = read(master, bytes + n, strlen(want) - n);
        CHECK(got > 0);
    }
    EQ(memcmp(bytes, want, n), 0);
}

TEST(erased, "what is taken back is taken back on the screen: tabs, words, wide bytes")
{
    struct termios t;

    pair();
    OK(tcgetattr(slave, &t));
    t.c_iflag &= ~(unsigned)IUTF8;
    OK(tcsetattr(slave, TCSANOW, &t));
    writes(slave, "$ ");
    shows("", "$ ");
    shows("a\tb", "a\tb");
    shows("\x7f\x7f\x7f", "\b \b\b\b\b\b\b\b \b"); /* the tab went from 3 to 8 */
    shows("\t\tab\t", "\t\tab\t");
    shows("\x15", "\b\b\b\b\b\b\b \b\b \b\b\b\b\b\b\b\b\b\b\b\b\b\b\b");
    shows("x\xc3\xa9\x7f", "x\xc3\xa9\b \b"); /* one byte is one column */
    t.c_iflag |= IUTF8;
    OK(tcsetattr(slave, TCSANOW, &t));
    shows("\x15", "\b \b\b \b");
    shows("a \xc3\xa9t\x17", "a \xc3\xa9t\b \b\b \b");
}

TEST(flood, "who opens too many is told ENOSPC, and they come back")
{
    int n;

    if (!t_tessera)
        SKIP("would take all terminals of this machine");
    for (int turn = 0; turn < 2; turn++) {
        int fd, first = -1;

        for (n = 0; n < 5000 && (fd = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0; n++)
            if (first < 0)
                first = fd;
        CHECK(errno == ENOSPC || errno == EMFILE);
        CHECK(n >= 64);
        for (int i = 0; i < n; i++)
            OK(close(first + i));
    }
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
