; SPDX-License-Identifier: MIT
;
; What loaders look for in the image: the PVH note (QEMU -kernel, Xen), our UEFI loader's
; note (boot/handover.h) and the multiboot2 header (GRUB). Each names an entry point of its
; own, because the register contents at entry do not tell them apart. There is no multiboot1
; header on purpose: QEMU would prefer it to the note.

%define KERNEL_BASE 0xffffffff80000000

extern pvh_entry, efi_entry

section .note.pvh note alloc noexec nowrite align=4
    dd 4                        ; name size
    dd 8                        ; descriptor size
    dd 18                       ; XEN_ELFNOTE_PHYS32_ENTRY
    db "Xen", 0
    dq pvh_entry - KERNEL_BASE

    dd 8
    dd 8
    dd 1                        ; HANDOVER_NOTE
    db "Tessera", 0
    dq efi_entry - KERNEL_BASE

section .multiboot2 progbits alloc noexec nowrite align=8
header:
    dd 0xe85250d6
    dd 0                        ; i386 protected mode
    dd header_end - header
    dd -(0xe85250d6 + 0 + (header_end - header))

    align 8
    dw 10, 0                    ; relocatable: any 2 MiB boundary below 4 GiB
    dd 24
    dd 0x200000
    dd 0xfffffffe
    dd 0x200000
    dd 1                        ; lowest address that fits

    align 8
    dw 6, 0                     ; modules are page aligned
    dd 8

    align 8
    dw 5, 1                     ; a framebuffer if there can be one: text else
    dd 20
    dd 1024, 768, 32

    align 8
    dw 0, 0
    dd 8
header_end:
