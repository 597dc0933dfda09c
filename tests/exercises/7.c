/* SPDX-License-Identifier: MIT
 *
 * runs: here
 * begun: user/exercises/ring.h ring_open
 */
#include "tests/exercises/check.h"
#include "user/exercises/ring.h"

int main(void)
{
    struct ring r;
    unsigned seed = 1;
    size_t in = 0, out = 0;

    CHECK(ring_open(&r, 4 * P) == 0);
    EQ(ring_room(&r), 4 * P);
    ERR(ring_open(&(struct ring){0}, 0), EINVAL);
    ERR(ring_open(&(struct ring){0}, P + 1), EINVAL);
    for (int turn = 0; turn < 20000; turn++) {
        size_t n = (size_t)rand_r(&seed) % (4 * P);
        unsigned char *at;

        if (rand_r(&seed) & 1) {
            size_t room = ring_room(&r);

            EQ(room, 4 * P - (in - out));
            n = n < room ? n : room;
            at = ring_in(&r); /* room bytes from here, in one piece */
            for (size_t i = 0; i < n; i++)
                at[i] = (unsigned char)((in + i) * 131 >> 3);
            ring_put(&r, n);
            in += n;
        } else {
            size_t held = 4 * P - ring_room(&r);

            n = n < held ? n : held;
            at = ring_out(&r); /* all that is held, in one piece */
            for (size_t i = 0; i < n; i++)
                if (at[i] != (unsigned char)((out + i) * 131 >> 3))
                    FAIL("byte %zu is %d", out + i, at[i]);
            ring_take(&r, n);
            out += n;
        }
    }
    CHECK(in > 10 * 4 * P); /* many times round */
    ring_close(&r);
    return 0;
}
