# SPDX-License-Identifier: MIT
#
# The tests. Each part prints TAP and ends with "N passed, N failed"; tools/sum-tests adds
# the parts up, prints the sum last and gives the exit status.

TEST_HOST   = $(MAKE) --no-print-directory -C tests/host O=$(abspath $(O))/host
TEST_USER   = tools/test-user --build $(O) $(SUITE_FILES)
# Failed allocations, on the debug kernel, which checks itself after each memory call.
TEST_INJECT = tools/test-user --build $(O) --log test-inject --kernel $(DEBUG_KERNEL) \
              $(filter $(O)/tests/user/t_inject%,$(USER_TESTS))
# The same on several processors; a busy host needs more time for each of their interrupts.
TEST_SMP    = tools/sum-tests $(MAKE) --no-print-directory : test-smp-2 test-smp-4 test-smp-boot
TEST_SMP_2  = tools/test-user --build $(O) --cpus 2 $(SUITE_FILES)
TEST_SMP_4  = tools/test-user --build $(O) --cpus 4 $(SUITE_FILES)
TEST_SMP_BOOT = tests/boot/boot.py $(O) smp
TEST_LINUX  = tests/user/run-linux.sh $(O)/tests/user
BOOT_NEEDS  = $(KERNEL) $(ISO) $(USB) esp esp-grub $(O)/small.cpio
TEST_BOOT   = tests/boot/boot.py $(O)
TEST_KEYS    = tests/boot/boot.py $(O) keys
TEST_USB     = tests/boot/boot.py $(O) usb
TEST_SCREEN  = tests/boot/boot.py $(O) screen
TEST_HOSTILE_USB = tests/boot/boot.py $(O) usb-hostile
TEST_MACHINES = tests/boot/boot.py $(O) machines
TEST_SHORT  = tests/boot/boot.py $(O) short
TEST_PORT   = tests/port/follow.py docs/porting.md
TEST_IMAGE  = tests/image/image.py $(O)
TEST_RUN    = tests/run/programs.py $(O)
TEST_PROGRAMS = tests/programs/programs.py $(O) --write docs/programs.md $(JOBS)
TEST_BENCH  = tools/bench --check user/bench/figures.json --tally $(TALLY) $(BENCH) remap
TEST_STRESS = tests/run/programs.py $(O) --group stress
# The kernel with both sanitizers is built beside the others.
SANITIZED   = $(MAKE) --no-print-directory -j2 KASAN=1 UBSAN=1 O=$(O)/kasanubsan kernel
TEST_SANITIZERS = $(SANITIZED) && tests/run/sanitizers.py $(O)
# Kernels that watch several CPUs, each beside the others.
TEST_LOCKDEP = $(MAKE) --no-print-directory -j2 LOCKDEP=1 O=$(O)/lockdep kernel && \
               tests/run/detectors.py $(O) lockdep
TEST_KCSAN  = $(MAKE) --no-print-directory -j2 KCSAN=1 O=$(O)/kcsan kernel && \
              tests/run/detectors.py $(O) kcsan
TEST_DIFF   = tests/diff/diff.py $(O)
TEST_ARGS   = tests/args/args.py $(O)
COVERAGE    = tools/coverage --build $(O) $(if $(UNDER),--under $(UNDER)) -- $(MAKE) --no-print-directory \
              $(or $(TARGETS),test-user test-inject test-smp-4 test-run test-diff test-args test-boot-short test-keys test-usb test-screen)
SOAK        = tests/diff/diff.py $(O) --hours $(or $(HOURS),1) --seed $(shell date +%s)
SOAK_SMP    = for cpus in $(or $(CPUS),2 4 8); do tools/test-user --build $(O) --log soak-smp --cpus $$cpus \
              --rounds $(or $(ROUNDS),10) --seed $(or $(SEED),1) $(filter $(O)/tests/user/t_smp_%,$(USER_TESTS)) || exit 1; done
TEST_MODELS = tests/models/run $(O)
# All that they need is built first, so that the lanes of tools/sum-tests build nothing; the
# longest stand first.
TEST_NEEDS  = $(MAKE) --no-print-directory -C tests/host O=$(abspath $(O))/host build && $(SANITIZED)
TEST_ALL    = $(MAKE) --no-print-directory -j$(shell nproc) test-needs && \
              tools/sum-tests $(MAKE) --no-print-directory : \
              test-run test-boot-short test-diff test-inject test-user test-host test-models test-args test-screen \
              test-exercises test-port test-sanitizers-short test-usb test-bench-short test-image test-keys test-tours test-hwreport
