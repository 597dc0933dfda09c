# SPDX-License-Identifier: MIT
#
# tools/run --host: programs below this machine's files.
import os
import subprocess

from harness import RUN, Failure, case, host, run, same


@case
def host_programs(_):
    """--host: python3, perl with POSIX, file, gdb --version as on this machine"""
    for words in (("python3", "-c", "import json, ssl; print(json.dumps([1]), ssl.OPENSSL_VERSION)"),
                  ("perl", "-MPOSIX", "-e", 'print strftime("%Y", gmtime(0)), "\\n"'),
                  ("file", "/bin/ls"), ("gdb", "--version")):
        out, _ = run(*words, options=("--host",))
        same(out, host(*words), words[0])


@case
def host_sizes(_):
    """--host: sizes, blocks and links of files and directories are this machine's, read or not"""
    words = ("sh", "-c", "stat -L -c '%n %s %b %h %a' /usr /usr/bin /usr/bin/env /etc/passwd;"
             "du -s /usr/lib/python3* | sort; cat /etc/passwd | wc -c; stat -c '%s %b' /etc/passwd")
    out, _ = run(*words, options=("--host",))
    same(out, host(*words))


@case
def host_compiler(work):
    """--host --rw: gcc -c in the caller's directory, whose files stay as they are"""
    with open(os.path.join(work, "x.c"), "w", encoding="ascii") as f:
        f.write("int main(void) { return 3; }\n")
    before = os.getcwd()
    os.chdir(work)
    try:
        out, _ = run("sh", "-c", "gcc -c x.c && gcc x.o -o x; ./x; echo $?; mv x.c y.c; rm x.o; ls",
                     options=("--host", "--rw", "."))
    finally:
        os.chdir(before)
    same(out, b"3\nx\ny.c\n")
    same(os.listdir(work), ["x.c"], "the directory")


CHANGES = """umask 022
truncate -s 3 f; truncate -s 10 f
fallocate -l 5000 g; fallocate -p -o 4096 -l 4096 big; truncate -s 200001 big
ln big link; rm big; ln -s link sym; mkfifo p; truncate -s 100 sym
rm d/x; echo new > d/x; mv g h; mv h d/; mv d e; mkdir d; rmdir d; rm -r e/sub
rm gone; echo again > gone; chmod 604 gone; touch -d @5 gone
find . -type f | sort | xargs sha256sum
find . ! -type d -printf '%p %s %m %y %n %l\\n' | sort; stat -c %Y gone
"""


@case
def host_changes(work):
    """--host --rw: files cut, made longer, with holes, renamed, removed and made anew, as here"""
    data = os.urandom(300000)
    for place in ("here", "there"):
        os.makedirs(os.path.join(work, place, "d/sub/deep"))
        for name, contents in (("f", b"hello"), ("g", b"two"), ("big", data), ("d/x", b"x"),
                               ("gone", b""), ("d/sub/y", b"y")):
            with open(os.path.join(work, place, name), "wb") as f:
                f.write(contents)
    want = host("sh", "-c", CHANGES, cwd=os.path.join(work, "here"))
    before = os.getcwd()
    os.chdir(os.path.join(work, "there"))
    try:
        out, _ = run("sh", "-c", CHANGES, options=("--host", "--rw", "."))
    finally:
        os.chdir(before)
    same(out, want)
    with open(os.path.join(work, "there/big"), "rb") as f:
        same(f.read(), data, "the file here")


@case
def host_removed(work):
    """--host --rw: a file that the host removes: written anew it is there, read it is ESTALE"""
    for name in ("cut", "read", "longer"):
        with open(os.path.join(work, name), "w", encoding="ascii") as f:
            f.write("old " * 2000)
    script = ("ls; echo ready; read go; echo new >cut; cat cut; "
              "perl -e 'open $f, \"<\", \"read\"; sysread $f, $b, 9 or print $!+0, \"\\n\";"
              "open $f, \">>\", \"longer\"; syswrite $f, 1 or print $!+0, \"\\n\"'")
    process = subprocess.Popen([RUN, "-t", "240", "--host", "--rw", ".", "--", "sh", "-c", script], cwd=work,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = b""
    while not said.endswith(b"ready\n"):
        line = process.stdout.readline()
        if not line:
            raise Failure(f"it ended after {said!r}")
        said += line
    for name in ("cut", "read", "longer"):
        os.remove(os.path.join(work, name))
    said += process.communicate(b"go\n", timeout=240)[0]
    same(said, b"cut\nlonger\nread\nready\nnew\n116\n116\n")


@case
def host_is_read_only(_):
    """--host: what may not be written is not, temporary files are the guest's own"""
    out, err = run("sh", "-c", "echo a > /etc/new; echo t > /tmp/guests-own && cat /tmp/guests-own; rm -f /etc/passwd;"
                   "test -s /etc/passwd && echo there", options=("--host",))
    same(out, b"t\nthere\n")
    if err.count(b"Read-only file system") != 2:
        raise Failure(f"errors: {err!r}")


@case
def host_devices(_):
    """--host: the device of a file leads to its mount, in directories that may be written too"""
    out, _ = run("sh", "-c", "stat -c '%Hd:%Ld %n' / /tmp /var/tmp /run; grep ' - 9p ' /proc/self/mountinfo",
                 options=("--host",))
    lines = [line.split() for line in out.decode().splitlines()]
    same([line[0] for line in lines[:4]], [line[2] for line in lines[4:]], "devices")
    same(len({line[0] for line in lines[:4]}), 4, "their number")


@case
def host_name(_):
    """--host, and files brought along: the machine's own name stands in its /etc/hosts"""
    if not os.path.exists("/etc/hostname"):
        return
    with open("/etc/hostname", "rb") as f:
        name = f.read()
    out, _ = run("uname", "-n", options=("--host",))
    same(out, name)
    words = ("sh", "-c", "getent -s files hosts $(uname -n)")
    out, _ = run(*words, options=("--package", "libc-bin"))
    same(out, host("sh", "-c", "getent -s files hosts $(cat /etc/hostname)"))


@case
def host_pwd(_):
    """--host: PWD is where the program runs, as programs that trust it expect (Go's os.Getwd)"""
    out, _ = run("env", options=("--host",))
    same([line for line in out.decode().splitlines() if line.startswith("PWD=")], ["PWD=" + os.getcwd()])


@case
def host_directory(work):
    """--host=DIR: only that directory, whole trees of it, a file of several MiB by mapping"""
    os.makedirs(os.path.join(work, "a/b"))
    os.symlink("b", os.path.join(work, "a/link"))
    data = os.urandom(3 << 20)
    for name in ("a/b/data", *(f"a/b/{i}" for i in range(500))):
        with open(os.path.join(work, name), "wb") as f:
            f.write(data if name.endswith("data") else b"x")
    os.mkdir(os.path.join(work, "bin"))
    with open("/bin/busybox", "rb") as f, open(os.path.join(work, "bin/busybox"), "wb") as to:
        to.write(f.read())
    os.chmod(os.path.join(work, "bin/busybox"), 0o755)
    with open(os.path.join(work, "sums"), "w", encoding="ascii") as f:
        f.write(host("sha256sum", "a/b/data", cwd=work).decode())
    out, _ = run("/bin/busybox", "sh", "-c",
                 "cd /; busybox find a | busybox wc -l; busybox sha256sum -c sums; busybox ls /",
                 options=(f"--host={work}",))
    same(out, b"504\na/b/data: OK\na\nbin\nsums\n")
