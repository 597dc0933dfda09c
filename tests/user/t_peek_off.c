/* SPDX-License-Identifier: MIT
 *
 * SO_PEEK_OFF of socket(7): peeks that go on where the last one ended.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

static int ends[2];

static void pair(int type)
{
    OK(socketpair(AF_UNIX, type, 0, ends));
}

static void say(const char *text)
{
    EQ(send(ends[0], text, strlen(text), 0), strlen(text));
}

/* What a recv of n bytes gives. */
static void hears(size_t n, int flags, const char *want)
{
    char got[100] = "";

    EQ(recv(ends[1], got, n, flags | MSG_DONTWAIT), strlen(want));
    CHECK(strcmp(got, want) == 0);
}

static void hears_nothing(int flags)
{
    char c;

    ERR(recv(ends[1], &c, 1, flags | MSG_DONTWAIT), EAGAIN);
}

static int offset(void)
{
    int v = -7;
    socklen_t len = sizeof(v);

    OK(getsockopt(ends[1], SOL_SOCKET, SO_PEEK_OFF, &v, &len));
    return v;
}

static void set_offset(int v)
{
    OK(setsockopt(ends[1], SOL_SOCKET, SO_PEEK_OFF, &v, sizeof(v)));
}

TEST(stream, "of a stream: across its parts, back by what is read")
{
    pair(SOCK_STREAM);
    EQ(offset(), -1);
    say("abc");
    say("defgh");
    hears(4, MSG_PEEK, "abcd");
    hears(4, MSG_PEEK, "abcd");
    set_offset(0);
    hears(2, MSG_PEEK, "ab");
    hears(3, MSG_PEEK, "cde");
    EQ(offset(), 5);
    hears(2, 0, "ab");
    EQ(offset(), 3);
    hears(10, MSG_PEEK, "fgh");
    hears_nothing(MSG_PEEK);
    say("ij");
    hears(10, MSG_PEEK, "ij");
    hears(20, 0, "cdefghij");
    EQ(offset(), 0);
    say("klm");
    set_offset(2);
    hears(5, MSG_PEEK, "m");
    set_offset(-1);
    hears(5, MSG_PEEK, "klm");
    hears(5, 0, "klm");
    EQ(offset(), -1);
}

static void of_messages(int type)
{
    pair(type);
    set_offset(0);
    say("abc");
    say("defgh");
    say("ij");
    hears(2, MSG_PEEK, "ab");
    EQ(recv(ends[1], (char[1]){0}, 0, MSG_PEEK | MSG_TRUNC), 1);
    hears(9, MSG_PEEK, "c");
    hears(2, MSG_PEEK, "de");
    hears(9, MSG_PEEK, "fgh");
    hears(9, MSG_PEEK, "ij");
    hears_nothing(MSG_PEEK);
    EQ(offset(), 10);
    hears(1, 0, "a"); /* all of it is gone */
    EQ(offset(), 7);
    hears_nothing(MSG_PEEK);
    set_offset(6);
    hears(9, MSG_PEEK, "j");
    hears(9, 0, "defgh");
    hears(9, 0, "ij");
    EQ(offset(), 0);
}

TEST(packets, "of sequenced packets: each peek within one")
{
    of_messages(SOCK_SEQPACKET);
}

TEST(datagrams, "of datagrams, the same; those without bytes once")
{
    of_messages(SOCK_DGRAM);
    say("");
    say("k");
    hears(9, MSG_PEEK, "");
    hears(9, MSG_PEEK, "k");
    hears_nothing(MSG_PEEK);
}

TEST(udp, "of UDP")
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    OK(ends[1] = socket(AF_INET, SOCK_DGRAM, 0));
    OK(bind(ends[1], (void *)&at, sizeof(at)));
    OK(getsockname(ends[1], (void *)&at, &len));
    OK(ends[0] = socket(AF_INET, SOCK_DGRAM, 0));
    OK(connect(ends[0], (void *)&at, sizeof(at)));
    set_offset(1);
    say("abcd");
    say("ef");
    hears(2, MSG_PEEK, "bc");
    hears(2, MSG_PEEK, "d");
    hears(2, MSG_PEEK, "ef");
    hears_nothing(MSG_PEEK);
    hears(9, 0, "abcd");
    EQ(offset(), 2);
    hears(9, 0, "ef");
}

static void *says_later(void *text)
{
    t_nap(50000);
    say(text);
    return NULL;
}

TEST(waits, "a peek behind all that is there waits for more")
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 3; i++) {
        pthread_t th;
        char c;

        pair(types[i]);
        say("abc");
        set_offset(3);
        EQ(pthread_create(&th, NULL, says_later, "d"), 0);
        EQ(recv(ends[1], &c, 1, MSG_PEEK), 1);
        EQ(c, 'd');
        EQ(pthread_join(th, NULL), 0);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
