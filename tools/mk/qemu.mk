# SPDX-License-Identifier: MIT
#
# Running the system: interactively, under GDB, and as an ISO.

SUITE_ADD := $(foreach f,$(SUITE_FILES),--add $(f):/tests/)

RUN_INTERACTIVE = tools/run $(RUNFLAGS) $(SUITE_ADD) --cmdline "suite $(APPEND)"

$(ISO): $(KERNEL) $(O)/iso.cpio user/boot/grub.cfg
	$(call say,ISO  ,$@)
	rm -rf $(O)/iso
	mkdir -p $(O)/iso/boot/grub
	cp $(KERNEL) $(O)/iso/boot/kernel.elf
	cp $(O)/iso.cpio $(O)/iso/boot/initramfs.cpio
	cp user/boot/grub.cfg $(O)/iso/boot/grub/grub.cfg
	grub-mkrescue -o $@ $(O)/iso >$(O)/iso.log 2>&1 || { cat $(O)/iso.log; exit 1; }

define DEBUG_SESSION
	tools/gdb/session $(DEBUG_KERNEL) $(INITRAMFS)
endef
