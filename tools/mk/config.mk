# SPDX-License-Identifier: MIT
#
# Compilers, flags, verbosity; installs missing packages once before anything is built.

# KASAN=1, UBSAN=1, LOCKDEP=1, KCSAN=1: kernels that watch themselves, in a folder of their own.
SANITIZERS := $(if $(KASAN),kasan)$(if $(UBSAN),ubsan)$(if $(LOCKDEP),lockdep)$(if $(KCSAN),kcsan)
O   ?= build$(if $(SANITIZERS),/$(SANITIZERS))
# Where tools/run finds the kernel.
export TESSERA_BUILD := $(O)
CC  := $(if $(filter default,$(origin CC)),gcc,$(CC))
LD  := ld
NM  := nm

# `make run` on a terminal: what is built stands in one line, which the next one overwrites.
BRIEF := $(if $(filter run,$(MAKECMDGOALS)),$(MAKE_TERMOUT))

ifneq ($(V),1)
.SILENT:
say = $(if $(BRIEF),printf '\r\033[K  %s%.60s' '$(1)' '$(2)',echo "  $(1)$(2)")
else
say = :
endif
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:

# Packages: asked at once, installed only when something is missing.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),all)),)
# Of `make run` those that it needs and no others.
SETUP := tools/setup $(if $(filter-out run all,$(MAKECMDGOALS)),,$(if $(MAKECMDGOALS),--run))
ifneq ($(shell $(SETUP) --check 2>/dev/null || echo missing),)
$(if $(filter ready,$(lastword $(shell V=$(V) $(SETUP) 1>&2 && echo ready))),,\
    $(error tools/setup could not install everything that is needed))
endif
endif

# For lib and mm, where a number that loses bits is somebody's page.
STRICT_WARNINGS := -Wconversion -Wno-sign-conversion -Wswitch-enum
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla

# The kernel sees the compiler's own freestanding headers and nothing else.
CC_HEADERS := $(shell $(CC) -print-file-name=include 2>/dev/null)

KERNEL_CFLAGS := -std=gnu17 -O2 -g -ffreestanding -nostdinc -isystem $(CC_HEADERS) \
    -I. -Iarch/include -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
    -mgeneral-regs-only -fno-omit-frame-pointer -fno-strict-aliasing \
    -fno-delete-null-pointer-checks -fno-stack-protector -fcf-protection=none \
    -fno-asynchronous-unwind-tables $(WARNINGS)
KERNEL_LDFLAGS := -nostdlib -static -z max-page-size=0x1000 -z noexecstack \
    --build-id=none -T arch/x86_64/linker.ld
