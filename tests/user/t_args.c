/* SPDX-License-Identifier: MIT
 *
 * Arguments and environment of exec: every byte arrives, whatever the lengths; the limits of
 * one string and of all; strings that cannot be read.
 */
#include "tests/user/t.h"
#include <sys/resource.h>

#define LONGEST 131072u /* with its NUL */

/* Around the sizes of the pieces a kernel may copy in. */
static const unsigned lengths[] = {0,    1,    127,  128,   129,   4095,  4096,
                                   4097, 8191, 8192, 16383, 16384, 16385, 32769,
                                   3,    0,    7,    65535, 65536, 100000};
enum { NLENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static unsigned length_of(unsigned which)
{
    return which % 32 == 31 ? LONGEST - 1 : lengths[which % NLENGTHS];
}

static char letter(unsigned which, unsigned at)
{
    return (char)('a' + (which * 7 + at + at / 4093) % 26);
}

static char *text_of(unsigned which)
{
    unsigned n = length_of(which);
    char *s = malloc(n + 1);

    for (unsigned i = 0; i < n; i++)
        s[i] = letter(which, i);
    s[n] = 0;
    return s;
}

static int is_text(const char *s, unsigned which)
{
    unsigned n = length_of(which);

    if (strlen(s) != n)
        return 0;
    for (unsigned i = 0; i < n; i++)
        if (s[i] != letter(which, i))
            return 0;
    return 1;
}

/* The other side: --helper NARGS NENV, then the strings. 0: all are right. */
static int helper(int argc, char **argv)
{
    int nargs = atoi(argv[1]), nenv = atoi(argv[2]), n = 0;

    if (argc != nargs + 3)
        return 3;
    for (int i = 0; i < nargs; i++)
        if (!is_text(argv[i + 3], (unsigned)i))
            return 4;
    for (; environ[n]; n++)
        if (!is_text(environ[n], (unsigned)(n + 5)))
            return 5;
    return n == nenv ? 0 : 6;
}

static int run(int nargs, int nenv)
{
    char **argv = calloc((size_t)nargs + 5, sizeof(*argv));
    char **envp = calloc((size_t)nenv + 1, sizeof(*envp));
    char count[2][16];
    int status;
    pid_t pid;

    snprintf(count[0], 16, "%d", nargs);
    snprintf(count[1], 16, "%d", nenv);
    argv[0] = "t_args";
    argv[1] = "--helper";
    argv[2] = count[0];
    argv[3] = count[1];
    for (int i = 0; i < nargs; i++)
        argv[i + 4] = text_of((unsigned)i);
    for (int i = 0; i < nenv; i++)
        envp[i] = text_of((unsigned)(i + 5));
    pid = fork();
    if (pid == 0) {
        execve(t_exe, argv, envp);
        _exit(errno == E2BIG ? 100 : 101);
    }
    waitpid(pid, &status, 0);
    for (int i = 0; i < nargs; i++)
        free(argv[i + 4]);
    for (int i = 0; i < nenv; i++)
        free(envp[i]);
    free(argv);
    free(envp);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

TEST(all_bytes, "arguments and environment of many lengths arrive whole")
{
    EQ(run(0, 0), 0);
    EQ(run(32, 0), 0);
    EQ(run(0, 27), 0);
    EQ(run(40, 45), 0);
}

/* exec of this program in a child: what the program says, or the error. */
static int exec_error(char *const *argv, char *const *envp)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execve(t_exe, argv, envp);
        _exit(errno);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

TEST(longest,
     "one string may have 131,071 characters, as argument and in the environment")
{
    char *s = malloc(LONGEST + 1);
    char *with[] = {"t_args", "--helper", "0", "0", s, NULL}, *env[] = {s, NULL};
    char *without[] = {"t_args", "--helper", "0", "0", NULL};

    memset(s, 'x', LONGEST);
    s[LONGEST - 1] = 0;
    EQ(exec_error(with, NULL), 3); /* it ran */
    EQ(exec_error(without, env), 5);
    s[LONGEST - 1] = 'x';
    s[LONGEST] = 0;
    EQ(exec_error(with, NULL), E2BIG);
    EQ(exec_error(without, env), E2BIG);
    free(s);
}

TEST(unreadable,
     "a string that runs into a page without rights: EFAULT, after any length")
{
    char *m =
        mmap(NULL, 40 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *argv[] = {"t_args", NULL, NULL};

    CHECK(m != MAP_FAILED);
    memset(m, 'x', 40 * P);
    OK(mprotect(m + 31 * P, P, PROT_NONE));
    for (size_t n = 1; n < 31 * P; n = n * 5 + 1) {
        argv[1] = m + 31 * P - n;
        EQ(exec_error(argv, NULL), EFAULT);
    }
    OK(mprotect(m + 31 * P, P, PROT_READ | PROT_WRITE));
    argv[1] = m;
    EQ(exec_error(argv, NULL), E2BIG);
    munmap(m, 40 * P);
}

TEST(tiny, "as many tiny strings as a quarter of the stack holds, and not more")
{
    enum { N = 120000, TOO_MANY = 300000 };
    char **argv = calloc(TOO_MANY + 1, sizeof(*argv));

    for (int i = 0; i < TOO_MANY; i++)
        argv[i] = "y";
    EQ(exec_error(argv, NULL), E2BIG);
    argv[0] = "t_args";
    argv[1] = "--helper";
    argv[2] = "0"; /* it counts and says 3: there are more */
    argv[3] = "0";
    argv[N] = NULL;
    EQ(exec_error(argv, NULL), 3);
    argv[N] = argv[4];
    argv[4] = NULL;
    EQ(exec_error(argv, NULL), 0);
    free(argv);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
