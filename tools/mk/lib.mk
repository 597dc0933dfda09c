# SPDX-License-Identifier: MIT
#
# The memory system for other kernels: $(LIB)/libtessera-mm.a and $(LIB)/tessera-mm.h, from
# lib and mm alone (docs/porting.md). PORT: a folder whose arch/*.h come before ours.

LIB  ?= $(O)
PORT ?= arch/include

# Sanitizers of Tessera's own debug builds stay out.
LIB_C    := $(filter-out lib/kasan.c lib/ubsan.c,$(sort $(shell find lib mm -name '*.c')))
# The same bytes wherever the tree lies: its path stands in the debug information.
LIB_MAP  := -ffile-prefix-map=$(CURDIR)=.
LIB_DIR  := $(LIB)/tessera-mm
LIB_OBJS := $(LIB_C:%.c=$(LIB_DIR)/%.o)
LIB_ROOTS := mm/port.h mm/phys/boot_alloc.h mm/phys/buddy.h mm/op/mm.h mm/op/access.h mm/op/fork.h mm/call/calls.h \
             mm/op/fault_handle.h mm/vm/object.h \
             mm/vm/vma.h mm/phys/account.h mm/phys/slab.h mm/phys/kspace.h mm/debug/check.h lib/fmt.h lib/string.h \
             lib/lock.h lib/uapi/errno.h lib/uapi/mman.h lib/uapi/remap.h

$(LIB_DIR)/flags: FORCE
	mkdir -p $(@D)
	echo '$(CC) $(KERNEL_CFLAGS) $(PORT)' | cmp -s - $@ || echo '$(CC) $(KERNEL_CFLAGS) $(PORT)' >$@

$(LIB_DIR)/%.o: %.c $(LIB_DIR)/flags
	mkdir -p $(@D)
	$(call say,CC   ,$<)
	$(CC) -I$(PORT) $(KERNEL_CFLAGS) $(STRICT_WARNINGS) $(LIB_MAP) -MMD -MP -c -o $@ $<

$(LIB)/libtessera-mm.a $(LIB)/tessera-mm.h &: $(LIB_OBJS) tools/mklib.py mm/port.h
	$(call say,LIB  ,$(LIB)/libtessera-mm.a)
	tools/mklib.py --prefix tsm_ --include $(PORT) --archive $(LIB)/libtessera-mm.a \
	    --header $(LIB)/tessera-mm.h --port mm/port.h --roots $(LIB_ROOTS) -- $(LIB_OBJS)

-include $(LIB_OBJS:.o=.d)
