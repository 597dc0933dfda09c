# SPDX-License-Identifier: MIT
#
# The kernel image, twice: release, and debug with TESSERA_DEBUG (checks and test hooks).
# Linked two times each, because the table of symbols is made from the first link.

# What runs elsewhere has rules of its own.
KERNEL_DIRS := $(filter-out arch/x86_64/boot/uefi arch/x86_64/vdso,$(shell find lib mm fs kernel arch/x86_64 -type d))
KERNEL_C    := $(sort $(foreach d,$(KERNEL_DIRS),$(wildcard $(d)/*.c)))
KERNEL_INC  := arch/x86_64/cpu/percpu.inc # nasm -MD leaves out what is included
KERNEL_ASM  := $(sort $(foreach d,$(KERNEL_DIRS),$(wildcard $(d)/*.asm)))

KERNEL       := $(O)/release/kernel.elf
DEBUG_KERNEL := $(O)/debug/kernel.elf

release_FLAGS :=
debug_FLAGS   := -DTESSERA_DEBUG

# The numbers are those of lib/kasan.h. What the sanitizer itself runs on, and what touches
# freed objects by right, is not watched. Locals on the stack are, once there is a shadow.
KASAN_FLAGS := -DTESSERA_KASAN -fsanitize=kernel-address -fasan-shadow-offset=0xdfffffff91000000 \
    --param asan-globals=1 --param asan-stack=1 --param asan-instrument-allocas=0
UBSAN_FLAGS := -DTESSERA_UBSAN -fsanitize=undefined -fsanitize=bounds-strict
KCSAN_FLAGS := -DTESSERA_KCSAN -fsanitize=thread -fno-optimize-sibling-calls -Wno-tsan \
    --param tsan-distinguish-volatile=1 --param tsan-instrument-func-entry-exit=0
SANITIZE    := $(if $(KASAN),$(KASAN_FLAGS)) $(if $(UBSAN),$(UBSAN_FLAGS)) \
               $(if $(LOCKDEP),-DTESSERA_LOCKDEP) $(if $(KCSAN),$(KCSAN_FLAGS))
# Small rather than fast: what runs at boot, now and then, or at the pace of a device.
SMALL       := $(addsuffix /%,arch/x86_64/acpi arch/x86_64/boot arch/x86_64/drivers \
                   fs/host fs/hugetlb fs/initramfs fs/lock fs/mount fs/socket/group fs/socket/route kernel/ipc kernel/loop kernel/numa kernel/ptrace kernel/sysfs kernel/term kernel/uffd) \
               $(addprefix fs/socket/,all.c ifconf.c netlink.c netlink_route.c option.c) \
               $(addprefix kernel/,devices.c inject.c kmsg.c main.c panic.c panic_screen.c printk.c strace.c \
                   uts.c event/adjtime.c event/posix_timer_calls.c seccomp/chain.c \
                   task/exec/core.c task/sched/deadline.c) \
               $(addprefix kernel/procfs/,config.c dir.c link.c map_files.c meminfo.c mounts.c net.c pid.c stat.c sysctl.c \
                   sysctl_table.c system.c sysvipc.c waiting.c) \
               $(addprefix kernel/sys/,caps.c cred.c fs_mount.c limits.c prctl.c sched.c xattr.c) mm/call/policy.c mm/op/provide.c mm/op/watch.c mm/vm/monitor.c
# Without -fsanitize: what the runtimes themselves run on.
NO_SANITIZE := lib/kasan.c lib/kcsan.c mm/phys/slab.c
KERNEL_LDFLAGS := $(if $(KASAN),--defsym kasan_shadow=0xffffffff81000000) $(KERNEL_LDFLAGS)

# Objects depend on the command that makes them: another compiler or flag rebuilds them.
define kernel_config
$(1)_OBJS := $(KERNEL_C:%=$(O)/$(1)/obj/%.o) $(KERNEL_ASM:%=$(O)/$(1)/obj/%.o) \
             $(O)/$(1)/obj/font.o

$(O)/$(1)/flags: FORCE
	mkdir -p $$(@D)
	echo '$(CC) $(KERNEL_CFLAGS) $($(1)_FLAGS) $(SANITIZE) $(EXTRA_CFLAGS)' | cmp -s - $$@ || \
	    echo '$(CC) $(KERNEL_CFLAGS) $($(1)_FLAGS) $(SANITIZE) $(EXTRA_CFLAGS)' >$$@

$(O)/$(1)/obj/%.c.o: %.c $(O)/$(1)/flags
	mkdir -p $$(@D)
	$$(call say,CC   ,$$<)
	$(CC) $(KERNEL_CFLAGS) $($(1)_FLAGS) $(EXTRA_CFLAGS) \
	    $$(if $$(filter lib/% mm/%,$$<),$(STRICT_WARNINGS)) $$(if $$(filter $(SMALL),$$<),-Os) \
	    $$(if $$(filter $(NO_SANITIZE),$$<),$(filter -D%,$(SANITIZE)),$(SANITIZE)) -MMD -MP -c -o $$@ $$<

$(O)/$(1)/obj/font.o: $(O)/font.c kernel/term/font.h $(O)/$(1)/flags
	mkdir -p $$(@D)
	$$(call say,CC   ,$$<)
	$(CC) $(KERNEL_CFLAGS) -c -o $$@ $$<

$(O)/$(1)/obj/%.asm.o: %.asm $(KERNEL_INC) $(O)/$(1)/flags
	mkdir -p $$(@D)
	$$(call say,NASM ,$$<)
	nasm -f elf64 -g -F dwarf -Werror -I. -I$$(<D)/ -I$(O)/ -MD $$(@:.o=.d) -MP -o $$@ $$<

$(O)/$(1)/obj/arch/x86_64/cpu/vdso.asm.o: $(O)/vdso.so

$(O)/$(1)/kernel.elf: $$($(1)_OBJS) arch/x86_64/linker.ld tools/mksyms.py
	$$(call say,LINK ,$$@)
	$(LD) $(KERNEL_LDFLAGS) -o $$@.1 $$($(1)_OBJS)
	tools/mksyms.py $(NM) $$@.1 $(O)/$(1)/ksyms.asm
	nasm -f elf64 -o $(O)/$(1)/ksyms.o $(O)/$(1)/ksyms.asm
	$(LD) $(KERNEL_LDFLAGS) -o $$@ $$($(1)_OBJS) $(O)/$(1)/ksyms.o
	rm $$@.1

-include $$($(1)_OBJS:.o=.d)
endef
$(eval $(call kernel_config,release))
$(eval $(call kernel_config,debug))

# The library that every program has in its memory. No relocations: nobody would apply them.
VDSO_CFLAGS := $(filter-out -fno-pic -fno-pie -mcmodel=kernel -g \
    -fno-asynchronous-unwind-tables,$(KERNEL_CFLAGS)) -fPIC -fasynchronous-unwind-tables
$(O)/vdso.so: arch/x86_64/vdso/vdso.c arch/x86_64/vdso/vdso.lds arch/include/arch/vdso.h \
              tools/mk/kernel.mk
	mkdir -p $(@D)
	$(call say,VDSO ,$@)
	$(CC) $(VDSO_CFLAGS) -c -o $(@:.so=.o) $<
	$(LD) -shared -Bsymbolic -soname linux-vdso.so.1 --hash-style=both --build-id=none \
	    --eh-frame-hdr -z noexecstack -z max-page-size=4096 -T arch/x86_64/vdso/vdso.lds \
	    -o $@ $(@:.so=.o)
	if readelf -r $@ | grep R_X86; then echo "$@: relocations"; exit 1; fi
	strip --strip-all $@

# The screen's font, from its package.
FONT := /usr/share/consolefonts/Uni2-Terminus16.psf.gz
$(O)/font.c: $(FONT) tools/mkfont.py
	mkdir -p $(@D)
	$(call say,FONT ,$@)
	tools/mkfont.py $@ $<

.PHONY: kernel debug-kernel FORCE
kernel: $(KERNEL)
debug-kernel: $(DEBUG_KERNEL)
FORCE:

$(O)/compile_commands.json: $(O)/release/flags $(KERNEL_C)
	tools/mkcompdb.py "$$(cat $<)" $(KERNEL_C) >$@
	ln -sf $@ compile_commands.json
