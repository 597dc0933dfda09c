# SPDX-License-Identifier: MIT
#
# The userland suite: static programs that run on Tessera and, unchanged, on Linux.
#
# Included by the top Makefile. O is the build directory. Exposes
#   USER_TESTS  the suite's binaries (TAP on standard output, exit status 0 when all passed)
#   USER_LOADS  load programs with arguments of their own (see their first lines)

USER_CC     ?= musl-gcc
USER_CFLAGS ?= -std=gnu17 -static -O2 -g -Wall -Wextra -Werror -fno-strict-aliasing
# The same bytes wherever the tree lies: its path stands in the debug information.
USER_MAP    := -ffile-prefix-map=$(CURDIR)=.

USER_SRC    := tests/user
USER_OUT    := $(O)/tests/user
# Each t_*.c is a suite, but for what they are linked with.
USER_SUITES := $(filter-out t_help t_sweep,$(basename $(notdir $(wildcard $(USER_SRC)/t_*.c))))
USER_TESTS  := $(USER_SUITES:%=$(USER_OUT)/%)
USER_LOADS  := $(addprefix $(USER_OUT)/,remap_storm reverse fuzz_syscalls fuzz_families fuzz_crowd)
USER_LOADS  += $(USER_OUT)/hostile
USER_LIB    := $(addprefix $(USER_OUT)/,t.o t_help.o t_sweep.o)

$(USER_OUT)/%.o: $(USER_SRC)/%.c $(USER_SRC)/t.h
	@mkdir -p $(@D)
	$(call say,MUSL ,$<)
	$(USER_CC) $(USER_CFLAGS) $(USER_MAP) -I. -c -o $@ $<

$(USER_TESTS) $(USER_LOADS): $(USER_OUT)/%: $(USER_SRC)/%.c $(USER_SRC)/t.h $(USER_LIB)
	$(call say,MUSL ,$<)
	$(USER_CC) $(USER_CFLAGS) $(USER_MAP) -I. -o $@ $< $(USER_MORE) $(USER_LIB)

HOSTILE_OBJS = $(addprefix $(USER_OUT)/hostile_,attacks.o more.o calls.o later.o races.o)
$(USER_OUT)/hostile: $(USER_SRC)/hostile.h $(HOSTILE_OBJS)
$(USER_OUT)/hostile: USER_MORE = $(HOSTILE_OBJS)
FUZZERS = $(addprefix $(USER_OUT)/,fuzz_syscalls fuzz_families fuzz_crowd)
FUZZ_SCENE = $(addprefix $(USER_OUT)/,fuzz_args.o fuzz_scene.o)
$(FUZZERS): $(USER_SRC)/fuzz.h $(USER_SRC)/fuzz_families.h $(USER_SRC)/fuzz_memory.h $(USER_OUT)/fuzz_run.o
$(FUZZERS): USER_MORE = $(USER_OUT)/fuzz_run.o
$(USER_OUT)/fuzz_crowd: $(USER_SRC)/fuzz_crowd.h
$(addprefix $(USER_OUT)/,fuzz_families fuzz_crowd): $(USER_SRC)/fuzz_args.h $(FUZZ_SCENE)
$(addprefix $(USER_OUT)/,fuzz_families fuzz_crowd): USER_MORE += $(FUZZ_SCENE)
$(USER_OUT)/fuzz_run.o $(FUZZ_SCENE): $(USER_SRC)/fuzz.h
$(FUZZ_SCENE): $(USER_SRC)/fuzz_args.h
$(USER_OUT)/t_remapv $(USER_OUT)/fuzz_syscalls: user/include/tessera.h
$(addprefix $(USER_OUT)/,t_sweep.o $(filter t_inject%,$(USER_SUITES))): $(USER_SRC)/t_inject.h
$(USER_OUT)/t_ptrace_more $(USER_OUT)/t_ptrace_ends: $(USER_SRC)/t_ptrace.h
$(USER_OUT)/t_fb: user/include/fb.h
$(USER_OUT)/t_smp_race: $(USER_SRC)/t_userfaultfd.h user/include/tessera.h
$(USER_OUT)/t_loop $(USER_OUT)/t_loop_more: $(USER_SRC)/t_loop.h user/include/loop.h
$(USER_OUT)/t_futex $(USER_OUT)/t_futex_more $(USER_OUT)/t_robust $(USER_OUT)/t_smp_futex: $(USER_SRC)/t_futex.h lib/uapi/futex.h
$(USER_OUT)/t_many $(USER_OUT)/t_crowd: $(USER_SRC)/crowd.h
$(USER_OUT)/t_elf $(USER_OUT)/t_exec: $(USER_SRC)/t_image.h

.PHONY: user-tests
user-tests: $(USER_TESTS) $(USER_LOADS)

# The differential test: one program of several parts, for both systems.
DIFF        := $(O)/tests/diff/diff
$(DIFF): $(wildcard tests/diff/*.[ch])
	@mkdir -p $(@D)
	$(call say,MUSL ,tests/diff)
	$(USER_CC) $(USER_CFLAGS) $(USER_MAP) -I. -o $@ $(filter %.c,$^)

ARGS        := $(O)/tests/args/args
$(ARGS): $(wildcard tests/args/*.[ch])
	@mkdir -p $(@D)
	$(call say,MUSL ,tests/args)
	$(USER_CC) $(USER_CFLAGS) $(USER_MAP) -I. -o $@ $(filter %.c,$^)

user-tests: $(DIFF) $(ARGS)
