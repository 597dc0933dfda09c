# SPDX-License-Identifier: MIT
#
# Checks of the sources. Every check runs, whatever the others say; the status is honest.

FORMAT_FILES = $(shell git ls-files '*.c' '*.h')
CLANG_FORMAT = clang-format-14

FORMAT = $(CLANG_FORMAT) -i $(FORMAT_FILES)

define LINT
	status=0; \
	step() { echo "== $$*" | cut -c -70; "$$@" || status=1; }; \
	step tools/check-includes.py; \
	step tools/metrics; \
	step tests/tools/metrics.py; \
	step tests/tools/sums.py; \
	step tools/check-words; \
	step tools/check-docs.py; \
	step tools/check-length.py; \
	step tools/check-dead.py; \
	step tests/exercises/run.py $(O) --apply; \
	step $(MAKE) --no-print-directory lib; \
	step $(CLANG_FORMAT) --dry-run -Werror $(FORMAT_FILES); \
	step $(MAKE) --no-print-directory CC=gcc O=$(O)/lint-gcc kernel debug-kernel efi; \
	step tools/check-percpu.py $(O)/lint-gcc/release/kernel.elf; \
	step $(MAKE) --no-print-directory CC=clang O=$(O)/lint-clang kernel debug-kernel efi; \
	step tools/check-percpu.py $(O)/lint-clang/release/kernel.elf; \
	test $$status -eq 0 && echo "lint: clean" || { echo "lint: see above"; exit 1; }
endef
