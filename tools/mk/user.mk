# SPDX-License-Identifier: MIT
#
# Programs of ours inside Tessera (init, the suite runner, demos) and the initramfs.

include tests/user/user.mk

MUSL_CC     := musl-gcc
INIT_CFLAGS := -std=gnu17 -static -O2 -Wall -Wextra -Werror -Wshadow -Wvla \
               -fno-strict-aliasing -D_GNU_SOURCE

INIT        := $(O)/user/init
SUITE       := $(O)/user/suite
INITRAMFS   := $(O)/initramfs.cpio
SUITE_FILES := $(USER_TESTS) $(USER_LOADS)

$(O)/user/%: user/init/%.c
	mkdir -p $(@D)
	$(call say,MUSL ,$<)
	$(MUSL_CC) $(INIT_CFLAGS) -o $@ $(filter %.c,$^)

$(INIT): user/init/terminal.c user/init/terminal.h user/init/host.c user/init/host.h

# Demonstrations: portable programs, each one file.
DEMO_CFLAGS := $(filter-out -D%,$(INIT_CFLAGS)) -I.
DEMOS       := $(patsubst user/demo/%.c,$(O)/user/demo/%,$(wildcard user/demo/*.c))

$(DEMOS): $(O)/user/demo/%: user/demo/%.c $(wildcard user/include/*.h)
	mkdir -p $(@D)
	$(call say,MUSL ,$<)
	$(MUSL_CC) $(DEMO_CFLAGS) -o $@ $<

# The mosaic shows on the framebuffer; it has parts.
MOSAIC := $(O)/user/mosaic
$(MOSAIC): $(wildcard user/mosaic/*.[ch]) user/include/fb.h
	mkdir -p $(@D)
	$(call say,MUSL ,user/mosaic)
	$(MUSL_CC) $(DEMO_CFLAGS) -o $@ $(filter %.c,$^) -lm

# What every run has: init, busybox with its names, the demonstrations, files below /etc.
$(INITRAMFS): $(INIT) $(SUITE) $(DEMOS) $(MOSAIC) tools/mkinitrd.py \
              $(wildcard user/etc/* user/bin/*)
	$(call say,CPIO ,$@)
	tools/mkinitrd.py -o $@ --base $(INIT) $(SUITE) $(foreach d,$(DEMOS) $(MOSAIC),--add $(d):/demo/)

# The boot media's archive holds the suite as well.
$(O)/iso.cpio: $(INITRAMFS) $(SUITE_FILES)
	$(call say,CPIO ,$@)
	tools/mkinitrd.py -o $@ --from $(INITRAMFS) $(SUITE_FILES:%=--add %:/tests/)

# For a machine with little memory: only what init's selftest runs.
SELFTEST := $(filter %/t_mmap %/t_remap_basic %/t_process,$(SUITE_FILES))
$(O)/small.cpio: $(INITRAMFS) $(SUITE_FILES)
	$(call say,CPIO ,$@)
	tools/mkinitrd.py -o $@ --from $(INITRAMFS) $(SELFTEST:%=--add %:/tests/)

# Instructions per operation: `make bench`.
BENCH := $(O)/user/bench
$(BENCH): $(wildcard user/bench/*.c user/bench/*.h) user/include/instructions.h
	mkdir -p $(@D)
	$(call say,MUSL ,user/bench)
	$(MUSL_CC) $(INIT_CFLAGS) -I. -o $@ $(filter %.c,$^)

# The longest stretch of kernel code: `make stall`.
STALL := $(O)/user/stall
$(STALL): $(wildcard user/stall/*.c user/stall/*.h)
	mkdir -p $(@D)
	$(call say,MUSL ,user/stall)
	$(MUSL_CC) $(INIT_CFLAGS) -o $@ $(filter %.c,$^)

# Cache lines that CPUs conflict on: `make scale`. The plugin is for this machine's QEMU.
SCALE := $(O)/user/scale
$(SCALE): $(wildcard user/scale/*.c user/scale/*.h) user/include/tessera.h
	mkdir -p $(@D)
	$(call say,MUSL ,user/scale)
	$(MUSL_CC) $(DEMO_CFLAGS) -D_GNU_SOURCE -o $@ $(filter %.c,$^)

PLUGIN := $(O)/tools/conflicts.so
PROFILE := $(O)/tools/profile.so
TALLY := $(O)/tools/tally.so
COVER := $(O)/tools/cover.so
$(PLUGIN) $(PROFILE) $(TALLY) $(COVER): $(O)/tools/%.so: tools/plugin/%.c tools/plugin/plugin.h
	mkdir -p $(@D)
	$(call say,HOST ,$<)
	$(CC) -O2 $(WARNINGS) -I. -shared -fPIC -fvisibility=hidden -o $@ $<
