/* SPDX-License-Identifier: MIT
 *
 * Monitors that are told of everything (userfaultfd's events) while threads fork, move, unmap, throw
 * away and touch the memory they watch. A page holds nothing or what its thread has put there.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>

#include "t_userfaultfd.h"

#define ALL_EVENTS 0x4e /* fork, remap, remove, unmap */
#define WORKERS    3
#define READERS    2
#define WINDOW     48 /* pages of a worker */

static volatile bool over;

/* Whether the fault has been answered; else the monitor has to read what has changed first. */
static bool resolve(const struct uffd_msg *m)
{
    unsigned char *at = (unsigned char *)(uintptr_t)(m->address & ~(P - 1));

    if ((m->flags & FLAG_WP ? guard(at, 1, false) : zeros(at, 1)) == 0)
        return true;
    if (errno == EAGAIN)
        return false;
    CHECK(errno == ENOENT ||
          errno == EEXIST); /* it has moved, or another reader was faster */
    OK(range_call(UFFDIO_WAKE, at, 1));
    return true;
}

static void *reads(void *arg)
{
    struct pollfd p = {.fd = uffd, .events = POLLIN};
    struct uffd_msg
        later[2 * WORKERS + 1]; /* faults to be answered: of each thread, and its child */
    size_t n = 0;

    while (!over) {
        struct uffd_msg *m = &later[n];

        for (size_t i = 0; i < n;)
            if (resolve(&later[i]))
                later[i] = later[--n], m = &later[n];
            else
                i++;
        if (poll(&p, 1, n ? 0 : 20) <= 0 || read(uffd, m, sizeof(*m)) != sizeof(*m))
            continue;
        if (m->event == EVENT_PAGEFAULT)
            n++;
        else if (m->event == 0x13)
            close((int)(uint32_t)
                      m->flags); /* the child finds zeros where there is nothing */
        CHECK(n < sizeof(later) / sizeof(later[0]));
    }
    return arg;
}

static void holds(const unsigned char *at, unsigned char mine)
{
    unsigned char got = *(const volatile unsigned char *)at;

    CHECK(got == 0 || got == mine);
}

static void *works(void *arg)
{
    unsigned char mine = (unsigned char)(uintptr_t)arg;
    unsigned char *home = mem + (size_t)(mine - 1) * WINDOW * P, *w = home;
    unsigned char *other =
        t_map(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t state = mine;

    for (int rounds = (int)t_turns(60); rounds > 0; rounds--) {
        size_t i = t_random(&state) % (WINDOW - 8), n = 1 + t_random(&state) % 8;
        pid_t pid;

        for (size_t k = 0; k < 3; k++) {
            unsigned char *at = w + t_random(&state) % WINDOW * P;

            holds(at, mine);
            *at = mine;
        }
        switch (t_random(&state) % 5) {
        case 0:
            OK(madvise(w + i * P, n * P, MADV_DONTNEED));
            break;
        case 1:
            if (guard(w + i * P, n, true) < 0)
                EQ(errno, EAGAIN);
            break;
        case 2: /* as a whole: Linux does not move parts together that are watched */
            EQ(mmap(w, WINDOW * P, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
               w);
            OK(watch(w, WINDOW, REGISTER_MISSING | REGISTER_WP));
            break;
        case 3: { /* all of it to the other place, where it stays watched */
            unsigned char *to = w == home ? other : home;

            EQ(mremap(w, WINDOW * P, WINDOW * P, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
            w = to;
            break;
        }
        default:
            pid = t_fork();
            if (pid == 0) {
                holds(w + i * P, mine);
                w[i * P] = 9;
                _exit(0);
            }
            t_join(pid);
        }
        t_progress();
    }
    return NULL;
}

TEST(told, "events, faults and what they tell of at once, on all CPUs")
{
    pthread_t reader[READERS], worker[WORKERS];

    uffd = uffd_new(O_NONBLOCK, ALL_EVENTS | UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    mem = anon(WORKERS * WINDOW);
    OK(watch(mem, WORKERS * WINDOW, REGISTER_MISSING | REGISTER_WP));
    for (size_t i = 0; i < READERS; i++)
        EQ(pthread_create(&reader[i], NULL, reads, NULL), 0);
    for (size_t i = 0; i < WORKERS; i++)
        EQ(pthread_create(&worker[i], NULL, works, (void *)(uintptr_t)(i + 1)), 0);
    for (size_t i = 0; i < WORKERS; i++)
        EQ(pthread_join(worker[i], NULL), 0);
    over = true;
    for (size_t i = 0; i < READERS; i++)
        EQ(pthread_join(reader[i], NULL), 0);
    close(uffd);
}

int main(int argc, char **argv)
{
    uffd_unused();
    return t_main(argc, argv, NULL);
}
