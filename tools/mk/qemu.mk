# SPDX-License-Identifier: MIT
#
# Running the system: interactively and under GDB.

SUITE_ADD := $(foreach f,$(SUITE_FILES),--add $(f):/tests/)

RUN_INTERACTIVE = tools/run $(if $(SCREEN),--screen) $(RUNFLAGS) $(SUITE_ADD) \
                  --cmdline "$(if $(filter 1,$(V)),suite,suite=brief) $(APPEND)"

define DEBUG_SESSION
	tools/gdb/session $(DEBUG_KERNEL) $(INITRAMFS)
endef
