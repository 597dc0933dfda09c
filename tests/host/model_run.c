/* SPDX-License-Identifier: MIT
 *
 * Runs the random model test in episodes. When a step fails, the episode is cut down to the
 * steps that are needed for a failure and printed. A step's random numbers depend on the seed
 * and its number only, so steps can be left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/pkey.h"
#include "lib/string.h"
#include "mm/debug/check.h"
#include "tests/host/harness.h"
#include "tests/host/model.h"

#define EPISODE_STEPS 2000u
#define EPISODES      100u
#define WIDE_STEPS    1000u /* looking at all of a wide window takes longer */
#define WIDE_EPISODES 32u

static struct progress {
    u32 episode, step;
} * progress;

static u64 mix(u64 a, u64 b)
{
    u64 state = a * 0x9e3779b97f4a7c15ull + b;

    return rng_next(&state);
}

/* Wide episodes come first, every other one with a window that begins inside a table. */
static bool is_wide(u32 episode)
{
    return episode < WIDE_EPISODES;
}

static u32 steps_of(u32 episode)
{
    return is_wide(episode) ? WIDE_STEPS : EPISODE_STEPS;
}

/* skip: one byte per step, or NULL. */
static void run_episode(u32 episode, const u8 *skip, u32 nsteps)
{
    u64 seed = mix(test_seed(), episode);

    progress->episode = episode;
    keys_on = episode % 3 == 1;
    model_begin(seed, is_wide(episode), episode % 2 ? 1 + (u32)(seed % 90) : 0);
    for (u32 i = 0; i < nsteps; i++) {
        if (skip && skip[i])
            continue;
        progress->step = i;
        M.rng = mix(seed, i + 1);
        if (M.trace)
            printf("# step %u: ", i);
        model_step();
        model_check();
    }
    progress->step = nsteps;
    model_end();
    keys_on = false;
    mm_check_all();
}

/* 0 when the episode passes; runs in a child, silently unless traced. */
static int try_episode(u32 episode, const u8 *skip, u32 nsteps, bool trace)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(60);
        M.trace = trace;
        if (!trace &&
            (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
            _exit(0);
        if (trace)
            setvbuf(stdout, NULL, _IOLBF, 0);
        run_episode(episode, skip, nsteps);
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid ? status : 0;
}

/* Leaves out as many steps as possible: ever smaller pieces, each dropped if the rest still
 * fails. */
static void shrink(u32 episode, u8 *skip, u32 nsteps)
{
    for (u32 piece = nsteps / 2; piece > 0; piece /= 2) {
        for (u32 at = 0; at < nsteps; at += piece) {
            u8 old[EPISODE_STEPS + 1];
            u32 len = MIN(piece, nsteps - at);

            if (memchr(skip + at, 0, len) == NULL)
                continue;
            memcpy(old, skip + at, len);
            memset(skip + at, 1, len);
            if (try_episode(episode, skip, nsteps, false) == 0)
                memcpy(skip + at, old, len);
        }
    }
}

TEST_LIMIT(random_steps_agree_with_the_model, 900)
{
    static u8 skip[EPISODE_STEPS + 1];
    int status = 0;
    u32 episode, nsteps;
    pid_t pid;

    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        for (u32 i = 0; i < WIDE_EPISODES + EPISODES; i++)
            run_episode(i, NULL, steps_of(i));
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("# %u steps, seed %llu\n",
           EPISODES * EPISODE_STEPS + WIDE_EPISODES * WIDE_STEPS,
           (unsigned long long)test_seed());
    if (status == 0)
        return;
    episode = progress->episode;
    nsteps = MIN(progress->step + 1, steps_of(episode));
    printf("# fails in episode %u at step %u; the steps that matter:\n", episode,
           nsteps - 1);
    shrink(episode, skip, nsteps);
    (void)try_episode(episode, skip, nsteps, true);
    FAIL("the kernel and the model differ");
}
