#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the userland suite on the Linux host: run-linux.sh DIRECTORY [SUITE...]
# Prints every suite's TAP, then the skipped and failed cases, then one closing line.
set -u
dir=${1:?usage: run-linux.sh DIRECTORY [SUITE...]}
shift
[ $# -gt 0 ] || set -- $(cd "$dir" && ls -d t_* | grep -v '\.')
log=$(mktemp)
trap 'rm -f "$log"' EXIT
broken=0
for suite in "$@"; do
    echo "# $suite"
    out=$(timeout 600 "$dir/$suite")
    status=$?
    printf '%s\n' "$out"
    printf '%s\n' "$out" | sed "s/^\(not \)\{0,1\}ok /&$suite: /" >>"$log"
    plan=$(printf '%s\n' "$out" | sed -n 's/^1\.\.//p')
    got=$(printf '%s\n' "$out" | grep -c -E '^(not )?ok ')
    if [ "${plan:-none}" != "$got" ]; then
        echo "# $suite: $got of ${plan:-no} planned cases reported, status $status"
        broken=$((broken + 1))
    fi
done
echo "# skipped:"
grep -E '^ok .*# SKIP' "$log" | sed 's/^ok /#   /'
grep -E '^not ok ' "$log" | sed 's/^not ok /# FAILED /'
passed=$(grep -E '^ok ' "$log" | grep -v -c '# SKIP')
skipped=$(grep -c -E '^ok .*# SKIP' "$log")
failed=$(($(grep -c -E '^not ok ' "$log") + broken))
echo "# $skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
