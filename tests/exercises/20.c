/* SPDX-License-Identifier: MIT
 *
 * runs: here
 * begun: user/exercises/tx.h tx_commit
 *
 * Transactions against two copies of everything.
 */
#include "tests/exercises/check.h"
#include "user/exercises/tx.h"
#include <signal.h>

#define PAGES 64u

static unsigned char now[PAGES][P], kept[PAGES][P];
static unsigned seed = 20;

static unsigned any(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static void compare(const struct tx *t)
{
    CHECK(memcmp(t->pages, now, sizeof(now)) == 0);
    CHECK(memcmp(t->view, kept, sizeof(kept)) == 0);
}

static void write_some(struct tx *t)
{
    for (unsigned n = any(40); n; n--) {
        unsigned i = any(PAGES), at = any(P);
        unsigned char *page = tx_write(t, i);

        CHECK(page == t->pages + i * P); /* pages do not move */
        page[at] = now[i][at] = (unsigned char)any(256);
    }
}

/* Pages that are not in a transaction cannot be written. */
static void guarded(const struct tx *t, unsigned i)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* not the sanitizer */
        t->pages[i * P] = 1;
        _exit(0);
    }
    EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
}

int main(void)
{
    struct tx t;
    struct tx none;

    ERR(tx_open(&none, 0), EINVAL);
    EQ(tx_open(&t, PAGES), 0);
    for (unsigned turn = 0; turn < 1500; turn++) {
        write_some(&t);
        compare(&t);
        if (any(2)) {
            EQ(tx_commit(&t), 0);
            memcpy(kept, now, sizeof(now));
        } else {
            EQ(tx_abort(&t), 0);
            memcpy(now, kept, sizeof(now));
        }
        compare(&t);
        if (turn % 300 == 0)
            guarded(&t, any(PAGES));
    }
    /* All pages at once, the most there can be. */
    for (unsigned i = 0; i < PAGES; i++)
        memset(tx_write(&t, i), (int)i, P);
    EQ(tx_abort(&t), 0);
    compare(&t);
    for (unsigned i = 0; i < PAGES; i++) {
        memset(tx_write(&t, i), (int)i, P);
        memset(now[i], (int)i, P);
    }
    EQ(tx_commit(&t), 0);
    memcpy(kept, now, sizeof(now));
    compare(&t);
    tx_close(&t);
    return 0;
}
