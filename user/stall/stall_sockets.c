/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: tens of thousands of sockets that meet in one place: at one port, in
 * one list of ports or names, as those that talk to one.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stall.h"

enum {
    NSOCKETS = 20000,
    NSHARERS = 4000, /* of one port */
    PORT = 2000,
    STEP = 1024 /* between ports, or numbers, of one list */
};

static int fds[NSOCKETS];

static void close_all(int n)
{
    for (int i = 0; i < n; i++)
        close(fds[i]);
}

static int make(int family, int type)
{
    int fd = socket(family, type, 0);

    if (fd < 0)
        die("socket");
    return fd;
}

static struct sockaddr_in at_port(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int bound_at(int type, int port)
{
    struct sockaddr_in at = at_port(port);
    int fd = make(AF_INET, type), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
        die("bind");
    return fd;
}

static void sharing(void)
{
    struct sockaddr_in to = at_port(PORT);
    int sender = make(AF_INET, SOCK_DGRAM);

    for (int i = 0; i < NSHARERS; i++)
        fds[i] = bound_at(SOCK_DGRAM, PORT);
    for (int i = 0; i < 4; i++)
        if (sendto(sender, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1)
            die("sendto");
    close_all(NSHARERS);
}

void one_port(void)
{
    on_its_own(sharing);
}

/* Connections to a listener that it has taken; others are at ports of the same list. */
static void taking(void)
{
    struct sockaddr_in to = at_port(PORT);
    int listener = bound_at(SOCK_STREAM, PORT), other;

    if (listen(listener, 8))
        die("listen");
    for (int i = 0; i < NSOCKETS; i += 2) {
        fds[i] = make(AF_INET, SOCK_STREAM);
        if (connect(fds[i], (struct sockaddr *)&to, sizeof(to)))
            die("connect");
        fds[i + 1] = accept(listener, NULL, NULL);
        if (fds[i + 1] < 0)
            die("accept");
    }
    other = bound_at(SOCK_STREAM, PORT + STEP);
    if (listen(other, 8))
        die("listen");
    close(other);
    close_all(NSOCKETS);
}

void one_listener(void)
{
    on_its_own(taking);
}

static void numbering(void)
{
    struct {
        uint16_t family, pad;
        uint32_t port, groups;
    } at = {.family = AF_NETLINK};
    int last = make(AF_NETLINK, SOCK_RAW);

    for (int i = 0; i < NSOCKETS; i++) {
        fds[i] = make(AF_NETLINK, SOCK_RAW);
        at.port = (uint32_t)(i + 1) * STEP;
        if (bind(fds[i], (struct sockaddr *)&at, sizeof(at)))
            die("netlink");
    }
    at.port = 0;
    if (bind(last, (struct sockaddr *)&at, sizeof(at)))
        die("netlink");
    close_all(NSOCKETS);
}

void netlink_numbers(void)
{
    on_its_own(numbering);
}

/* Of the same sum by a multiplier of 31: the i-th of them. */
static struct sockaddr_un name_of(int i)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    for (int bit = 0; bit < 20; bit++)
        memcpy(at.sun_path + 1 + 2 * bit, i >> bit & 1 ? "BB" : "Aa", 2);
    return at;
}

static void naming(void)
{
    struct sockaddr_un at;

    for (int i = 0; i < NSOCKETS; i++) {
        fds[i] = make(AF_UNIX, SOCK_DGRAM);
        at = name_of(i);
        if (bind(fds[i], (struct sockaddr *)&at, sizeof(at)))
            die("bind");
    }
    close_all(NSOCKETS);
}

void chosen_names(void)
{
    on_its_own(naming);
}

/* All talk to one, whose queue gets room, and which then ends. */
static void befriending(void)
{
    struct sockaddr_un at = name_of(0);
    int to = make(AF_UNIX, SOCK_DGRAM);
    char c;

    if (bind(to, (struct sockaddr *)&at, sizeof(at)))
        die("bind");
    for (int i = 0; i < NSOCKETS; i++) {
        fds[i] = make(AF_UNIX, SOCK_DGRAM);
        if (connect(fds[i], (struct sockaddr *)&at, sizeof(at)))
            die("connect");
    }
    while (send(fds[0], "x", 1, MSG_DONTWAIT) == 1)
        ;
    if (read(to, &c, 1) != 1)
        die("read");
    close(to);
    close_all(NSOCKETS);
}

void many_friends(void)
{
    on_its_own(befriending);
}

static void told_sockets(void)
{
    static const char *const names[] = {"/proc/net/unix",     "/proc/net/tcp",
                                        "/proc/net/udp",      "/proc/net/netlink",
                                        "/proc/net/sockstat", "/proc/self/fdinfo"};
    static char text[1 << 20];

    for (int i = 0; i < 20000; i++)
        socket(i % 2 ? AF_UNIX : AF_INET, i % 3 ? SOCK_DGRAM : SOCK_STREAM, 0);
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        int fd = open(names[i], O_RDONLY);

        pread(fd, text, 100, 1000000);
        while (read(fd, text, sizeof(text)) > 0)
            ;
        while (syscall(SYS_getdents64, fd, text, sizeof(text)) > 0)
            ;
        close(fd);
    }
}

void sockets_told(void)
{
    on_its_own(told_sockets);
}
