/* SPDX-License-Identifier: MIT
 *
 * Scripts: how the first line is read, how deep interpreters may be nested, and how much may
 * be handed to a program.
 */
#include "tests/user/t.h"
#include <sys/resource.h>

#define LINE 256 /* bytes of a script that are looked at */

/* The interpreter of these scripts: this program under the name "show", which writes its
 * arguments to the file "args", each in brackets. */
static int show(int argc, char **argv)
{
    int fd = open("args", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < argc; i++)
        dprintf(fd, "[%s]", argv[i]);
    return 0;
}

static void script(const char *name, const void *text, size_t n)
{
    unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    OK(fd);
    EQ(write(fd, text, n), (long)n);
    OK(close(fd));
}

/* Runs `name` with one argument: 0 or the errno of exec. */
static int run(const char *name)
{
    unlink("show");
    OK(symlink(t_exe, "show"));
    unlink("args");
    pid_t pid = t_fork();
    if (!pid) {
        char *argv[] = {"zero", "one", NULL}, *envp[] = {NULL};
        execve(name, argv, envp);
        _exit(errno);
    }
    int status = t_status_of(pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void gives(const char *text, size_t n, const char *want)
{
    script("s", text, n);
    int err = run("./s");
    if (err)
        FAIL("%.20s...: errno %d", text, err);
    char got[3 * LINE] = "";
    int fd = open("args", O_RDONLY);
    OK(fd);
    OK(read(fd, got, sizeof(got) - 1));
    OK(close(fd));
    if (strcmp(got, want))
        FAIL("%.60s, want %.60s", got, want);
}

#define GIVES(text, want) gives(text, sizeof(text) - 1, want)
#define REFUSED(text)     (script("s", text, sizeof(text) - 1), run("./s"))

TEST(lines, "name and argument of the interpreter")
{
    GIVES("#!show\n", "[show][./s][one]");
    GIVES("#!show", "[show][./s][one]");
    GIVES("#! \t ./show\t \n", "[./show][./s][one]");
    GIVES("#!show a\n", "[show][a][./s][one]");
    GIVES("#!show\t a  b\t c \t\nmore\n", "[show][a  b\t c][./s][one]");
    GIVES("#!show a", "[show][a][./s][one]");
    GIVES("#!show a\0b\n", "[show][a][./s][one]");
    GIVES("#!show\0a\n", "[show][./s][one]");
    GIVES("#!show a\r\n", "[show][a\r][./s][one]");
    GIVES("#!show \0\n", "[show][][./s][one]");
}

TEST(refused, "lines without an interpreter")
{
    EQ(REFUSED("#!"), EACCES); /* "" is the working directory */
    EQ(REFUSED("#!\n"), ENOEXEC);
    EQ(REFUSED("#!  \t \n"), ENOEXEC);
    EQ(REFUSED("#"), ENOEXEC);
    EQ(REFUSED(""), ENOEXEC);
    EQ(REFUSED("text\n"), ENOEXEC);
    EQ(REFUSED("#! \0show\n"), EACCES);
    EQ(REFUSED("#!missing\n"), ENOENT);
    EQ(REFUSED("#!show\r\n"), ENOENT);
    EQ(REFUSED("#!show/x\n"), ENOTDIR);
    script("s", "#!s\n", 4);
    EQ(run("./s"), ELOOP);
}

TEST(long_lines, "lines longer than what is looked at")
{
    static char text[2 * LINE], want[2 * LINE];
    memset(text, 'x', sizeof(text));
    memcpy(text, "#!show ", 7);
    int n =
        snprintf(want, sizeof(want), "[show][%.*s][./s][one]", LINE - 1 - 7, text + 7);
    CHECK(n > 0);
    gives(text, sizeof(text), want);
    text[LINE + 10] = '\n';
    gives(text, sizeof(text), want);
    text[LINE - 1] = '\n';
    gives(text, sizeof(text), want);
    text[LINE - 2] = '\n';
    want[7 + LINE - 2 - 7] = 0;
    strcat(want, "][./s][one]");
    gives(text, sizeof(text), want);

    memset(text, ' ', sizeof(text)); /* nothing but blanks */
    memcpy(text, "#!", 2);
    script("s", text, sizeof(text));
    EQ(run("./s"), ENOEXEC);
    memcpy(text + LINE - 5, "show ", 5); /* just whole */
    gives(text, sizeof(text), "[show][./s][one]");
    memcpy(text + LINE - 4, "show ", 5); /* perhaps cut */
    script("s", text, sizeof(text));
    EQ(run("./s"), ENOEXEC);
}

TEST(nested, "five scripts one for the other, a sixth is ELOOP")
{
    char name[8] = "s0", text[16];
    script("s0", "#!show 0\n", 9);
    for (int i = 1; i < 6; i++) {
        int n = snprintf(text, sizeof(text), "#!%s %d\n", name, i);
        name[1] = (char)('0' + i);
        script(name, text, (size_t)n);
        EQ(run(name), i < 5 ? 0 : ELOOP);
    }
    EQ(run("s4"), 0);
    int fd = open("args", O_RDONLY);
    t_contains(fd, "[show][0][s0][1][s1][2][s2][3][s3][4][s4][one]");
}

static long execveat_(int fd, char **argv)
{
    return syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
}

TEST(descriptor, "a script by its descriptor; not by one that exec closes")
{
    char *argv[] = {"x", NULL};
    script("s", "#!show\n", 7);
    EQ(run("./s"), 0);
    int fd = open("s", O_RDONLY);
    CHILD(execveat_(fd, argv); _exit(1));
    char want[64];
    snprintf(want, sizeof(want), "[show][/dev/fd/%d]", fd);
    t_contains(open("args", O_RDONLY), want);
    OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
    ERR(execveat_(fd, argv), ENOENT);
}

/* ---- how much ---- */

#define STRING (128UL << 10) /* the longest string, with its NUL */

static char *string_of(size_t size)
{
    char *s =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(s != MAP_FAILED);
    memset(s, 'a', size - 1);
    return s;
}

static int exec_with(char **argv, char **envp)
{
    pid_t pid = t_fork();
    if (!pid) {
        execve(t_exe, argv, envp);
        _exit(errno);
    }
    int status = t_status_of(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

TEST(string_size, "a string of 128 KiB passes, one byte more is E2BIG")
{
    char *argv[] = {"show", string_of(STRING), NULL}, *none[] = {NULL};
    EQ(exec_with(argv, none), 0);
    EQ(exec_with((char *[]){"show", NULL}, argv), 0);
    argv[1] = string_of(STRING + 1);
    EQ(exec_with(argv, none), E2BIG);
    EQ(exec_with((char *[]){"show", NULL}, argv), E2BIG);
}

/* With a stack limit of 1 MiB a quarter of it is for strings and pointers, the name of the
 * program among them. */
TEST(sum, "all strings and pointers: to the byte")
{
    struct rlimit r = {1 << 20, 1 << 20};
    char *s = string_of(STRING), *argv[] = {"show", s, NULL, NULL}, *none[] = {NULL};
    size_t room = (256 << 10) - 3 * 8 - strlen(t_exe) - 1 - 5 - STRING;
    OK(setrlimit(RLIMIT_STACK, &r));
    argv[2] = string_of(room);
    EQ(exec_with(argv, none), 0);
    argv[2] = string_of(room + 1);
    EQ(exec_with(argv, none), E2BIG);
    argv[2] = NULL;
    char *envp[] = {string_of(room), NULL};
    EQ(exec_with(argv, envp), 0);
    envp[0] = string_of(room + 1);
    EQ(exec_with(argv, envp), E2BIG);
}

TEST(unlimited, "with a stack without limit: 6 MiB")
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_STACK, &r) != 0)
        SKIP("the hard limit of the stack is lower");
    char *argv[64] = {"show"}, *s = string_of(STRING), *none[] = {NULL};
    for (int i = 1; i < 47; i++)
        argv[i] = s;
    EQ(exec_with(argv, none), 0);
    argv[47] = argv[48] = s;
    EQ(exec_with(argv, none), E2BIG);
}

int main(int argc, char **argv)
{
    const char *name = argc ? strrchr(argv[0], '/') : NULL;
    if (argc && !strcmp(name ? name + 1 : argv[0], "show"))
        return show(argc, argv);
    return t_main(argc, argv, NULL);
}
