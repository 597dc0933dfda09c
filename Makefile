# SPDX-License-Identifier: MIT
#
# The targets; the rules behind them stand in tools/mk. All output goes below build/.
# Variables: V=1 shows commands, CC=clang takes the second compiler, O=DIR moves build/.

include tools/mk/config.mk
include tools/mk/kernel.mk
include tools/mk/lib.mk
include tools/mk/efi.mk
include tools/mk/user.mk
include tools/mk/image.mk
include tools/mk/qemu.mk
include tools/mk/test.mk
include tools/mk/lint.mk
include tools/mk/explorer.mk
include tools/mk/release.mk

.DEFAULT_GOAL := all
# Every target of this file by its name; test-smp-N and esp are of pattern rules and tools/mk.
.PHONY: $(shell sed -n 's/^\([a-z][a-z-]*\):.*/\1/p' Makefile) test-smp-2 test-smp-4 esp esp-grub

all: $(KERNEL) $(INITRAMFS) $(SUITE_FILES) $(O)/compile_commands.json ## build the kernel and the initramfs

run: all ## boot in QEMU, run the userland suite, then a shell (Ctrl-A x quits); SCREEN=1: with a display; V=1: say all
	$(if $(BRIEF),printf '\r\033[K')
	$(RUN_INTERACTIVE)

test: ## the tests that take minutes, three at a time, with the sum at the end; LANES=1: one
	$(TEST_ALL)

test-needs: all $(DEBUG_KERNEL) $(DIFF) $(ARGS) $(BENCH) $(TALLY) $(BOOT_NEEDS) $(O)/iso.cpio $(EXPLORER_HOST)
	$(TEST_NEEDS)

test-models: ## the models of protocols that need several CPUs, with spin
	$(TEST_MODELS)

test-models-big: ## the same with more CPUs and turns
	$(TEST_MODELS) big

test-host: ## unit tests of lib, mm, fs on this machine, with sanitizers
	$(TEST_HOST)

test-inject: all $(DEBUG_KERNEL) ## each allocation of each call fails once
	$(TEST_INJECT)

test-user: all ## the userland suite inside Tessera
	$(TEST_USER)

test-run: all $(DEBUG_KERNEL) ## tools/run, and Debian's own programs inside Tessera
	$(TEST_RUN)

test-programs: all ## Debian's programs here and inside Tessera, the same? writes docs/programs.md; JOBS="..."
	tools/setup --programs
	$(TEST_PROGRAMS)

test-stress: all ## all the stress-ng stressors of the memory calls inside Tessera
	$(TEST_STRESS)

test-diff: all $(DIFF) ## 400,000 random memory operations: the same on this Linux and inside Tessera
	$(TEST_DIFF)

test-args: all $(ARGS) ## every call with edge values and bad addresses, compared with Linux's answers
	$(TEST_ARGS)

coverage: all $(DEBUG_KERNEL) $(COVER) ## lines of the kernel that no test comes to; TARGETS="test-user ..." UNDER=mm/,fs/
	$(COVERAGE)

soak-smp: all ## ROUNDS=n of the suite for several CPUs, each with another seed, on CPUS="2 4 8"
	$(SOAK_SMP)

soak: all $(DIFF) ## the same with fresh seeds for HOURS=n
	$(SOAK)

test-smp: ## the suite on 2 and 4 processors, boots with up to 100
	$(TEST_SMP)

test-smp-2: all
	$(TEST_SMP_2)

test-smp-4: all
	$(TEST_SMP_4)

test-smp-boot: $(BOOT_NEEDS)
	$(TEST_SMP_BOOT)

test-linux: $(SUITE_FILES) ## the very same userland suite on this Linux machine
	$(TEST_LINUX)

test-crashes: $(DEBUG_KERNEL) $(INITRAMFS) ## the crashes of docs/debugging.md say what stands there
	tests/run/crashes.py $(O)

test-machines: all $(O)/small.cpio ## machines and CPUs that lack something, power-off, reset
	$(TEST_MACHINES)

test-hwreport: all ## the hardware report says what QEMU made
	tests/run/hwreport.py

test-boot: $(BOOT_NEEDS) ## every firmware, medium, machine and loader; hostile boots; keys; Bochs
	$(TEST_BOOT)

test-boot-short: $(BOOT_NEEDS) ## the part of test-boot that `make test` runs
	$(TEST_SHORT)

test-screen: $(KERNEL) $(INITRAMFS) ## what the screen shows, read back from pictures
	$(TEST_SCREEN)

test-keys: $(KERNEL) $(O)/iso.cpio ## keys of emulated keyboards reach the shell
	$(TEST_KEYS)

test-usb: $(KERNEL) $(O)/iso.cpio ## keys of emulated USB keyboards reach the shell
	$(TEST_USB)

test-usb-hostile: $(KERNEL) $(O)/iso.cpio ## USB devices that lie, stall, vanish
	$(TEST_HOSTILE_USB)

test-sanitizers: all ## suite, random calls, differential test on a kernel with KASAN and UBSAN
	$(TEST_SANITIZERS) all

test-sanitizers-short: all ## each fault made on purpose is reported; 10,000 random calls
	$(TEST_SANITIZERS) short

test-lockdep: all ## the order of locks: faults made on purpose are reported, the suite on 4 CPUs is clean
	$(TEST_LOCKDEP)

test-kcsan: all ## data races: faults made on purpose are reported, the suite on 4 CPUs is clean
	$(TEST_KCSAN)

lib: $(LIB)/libtessera-mm.a $(LIB)/tessera-mm.h ## the memory system for other kernels: an archive and a header

test-port: ## docs/porting.md followed to the letter in an empty folder
	$(TEST_PORT)

test-image: $(ISO) $(USB) $(O)/small.cpio ## the boot media: same bytes, readable files, refusals of usb-write
	$(TEST_IMAGE)

iso: $(ISO) ## disc and stick in one, for BIOS and UEFI: build/tessera.iso

usb: $(USB) ## disk image for a USB stick: build/tessera.img; DEVICE=/dev/sdX writes it
	$(WRITE_USB)

screenshot: all ## the pictures of the documentation: docs/images/*.png
	tools/screenshot $(O) docs/images $(SCENE)

debug: $(DEBUG_KERNEL) $(INITRAMFS) ## debug kernel stopped at kmain under GDB
	$(DEBUG_SESSION)

lint: ## include layers, format, warnings of gcc and clang, lengths, words
	$(LINT)

format: ## clang-format on every C file
	$(FORMAT)

bench: all $(BENCH) $(TALLY) ## instructions per operation of the memory calls, counted by QEMU; CASE=x, WRITE=1
	tools/bench --json $(O)/bench.json $(if $(WRITE),--write README.md docs/performance.md docs/performance.svg) \
	    --tally $(TALLY) --demos $(O)/user/demo $(BENCH) "$(CASE)"

bench-check: all $(BENCH) $(TALLY) ## the same against the figures kept: none more than 3 % above; KEEP=1 keeps them
	tools/bench $(if $(KEEP),--keep user/bench/figures.json) --check user/bench/figures.json \
	    --tally $(TALLY) $(BENCH) "$(CASE)"

profile: all $(BENCH) $(PROFILE) ## where the instructions of a case go, per function of the kernel: CASE=x
	tools/profile $(O) "$(CASE)"

test-bench-short: all $(BENCH) $(TALLY) ## the cases of remaps against the figures kept
	$(TEST_BENCH)

scale: all $(SCALE) $(PLUGIN) ## cache lines that CPUs conflict on, per operation; CPUS=1,2,4,8 WRITE=docs/scale.md
	tools/scale $(O) --cpus $(or $(CPUS),1,2,4,8) --case "$(CASE)" $(if $(WRITE),--write $(WRITE))

stall: all $(DEBUG_KERNEL) $(STALL) ## longest stretch of kernel code in long calls, in instructions
	tools/run -m 2048 --icount -t 1800 --kernel $(DEBUG_KERNEL) --cmdline check=off -- $(STALL) $(CASE)

explorer: ## the memory manager in a page for browsers: build/explorer.html
	tools/setup --explorer
	$(MAKE) --no-print-directory $(EXPLORER)

figures: explorer ## the figures of the documents that the explorer draws: docs/images/*.svg
	tools/setup --browser
	tools/explorer/figures.py $(EXPLORER) docs/images

cast: all ## the moving terminal of the README, of a real run: docs/images/cast.svg
	tools/cast/make.py $(O) docs/images/cast.svg

book: ## the documents as HTML, with the sources they name and a search: build/book/README.html
	tools/setup --book
	tools/book/make.py $(O)

tour: ## a call of the memory manager, function by function: T=fault, remap or truncate
	$(MAKE) --no-print-directory $(EXPLORER_HOST)
	$(TOUR) $(or $(T),remap)

test-tours: ## the lists of functions in docs/tours are what happens
	$(MAKE) --no-print-directory $(EXPLORER_HOST)
	$(TOUR) --check

exercise: ## the test of an exercise of docs/exercises, skipped until it is begun: N=1
	tests/exercises/run.py $(O) $(or $(N),1)

test-exercises: ## each test of an exercise fails without the work, and passes with its solution, in copies of the tree
	$(MAKE) --no-print-directory -j$(shell nproc) kernel $(INITRAMFS)
	$(MAKE) --no-print-directory $(EXPLORER_HOST)
	tests/exercises/run.py $(O) --all

test-explorer: book test-tours ## every scenario of it and 1,000 random steps in Chromium, compared with this machine; the book; SEED=n
	tools/setup --browser
	$(MAKE) --no-print-directory $(EXPLORER) $(EXPLORER_HOST)
	$(TEST_EXPLORER)

release: $(RELEASE_NEEDS) explorer book ## what one would hand to others, with checksums and a script that boots it: build/upload
	$(MAKE_RELEASE)

test-release: ## it is the same, byte for byte, built twice in different places; and boots without the tree
	tools/setup --explorer
	tools/setup --book
	$(TEST_RELEASE)

clean: ## remove build/
	rm -rf $(O) compile_commands.json

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
