# SPDX-License-Identifier: MIT
#
# The UEFI loader: our sources and two files of lib, with gnu-efi's start and relocation code,
# linked as a shared object and turned into a PE program. A shared object may have holes:
# `nm -u` must find none.

EFI_CRT     := /usr/lib/crt0-efi-x86_64.o
EFI_LDS     := /usr/lib/elf_x86_64_efi.lds
EFI_C       := $(sort $(wildcard arch/x86_64/boot/uefi/*.c)) lib/string.c lib/fmt.c
EFI_OBJS    := $(EFI_C:%=$(O)/efi/obj/%.o)
EFI_LOADER  := $(O)/efi/BOOTX64.EFI
EFI_CFLAGS  := -Iarch/include -std=gnu17 -O2 -ffreestanding -fpic -fshort-wchar -mno-red-zone \
    -mgeneral-regs-only -fno-strict-aliasing -fno-stack-protector -fcf-protection=none \
    -fno-asynchronous-unwind-tables -DGNU_EFI_USE_MS_ABI -I. -isystem /usr/include/efi \
    -isystem /usr/include/efi/x86_64 $(WARNINGS)
EFI_SECTIONS := $(foreach s,.text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* \
    .reloc,-j $(s))

$(O)/efi/flags: FORCE
	mkdir -p $(@D)
	echo '$(CC) $(EFI_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(EFI_CFLAGS)' >$@

$(O)/efi/obj/%.c.o: %.c $(O)/efi/flags
	mkdir -p $(@D)
	$(call say,CC   ,$<)
	$(CC) $(EFI_CFLAGS) -MMD -MP -c -o $@ $<

$(EFI_LOADER): $(EFI_OBJS)
	$(call say,EFI  ,$@)
	$(LD) -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --build-id=none \
	    -T $(EFI_LDS) -o $(O)/efi/loader.so $(EFI_CRT) $^ -L/usr/lib -lgnuefi
	if $(NM) -u $(O)/efi/loader.so | grep .; then echo "$@: undefined symbols"; exit 1; fi
	SOURCE_DATE_EPOCH=0 objcopy $(EFI_SECTIONS) --target efi-app-x86_64 --subsystem=10 \
	    $(O)/efi/loader.so $@

-include $(EFI_OBJS:.o=.d)

.PHONY: efi
efi: $(EFI_LOADER)
