; SPDX-License-Identifier: MIT
;
; The example kernel's way in: PVH entry in 32 bits, tables, long mode, main(start info). And
; the two places where C cannot go: the page fault's entry, and a read that may fail.

KERNEL_BASE equ 0xffffffff80000000

extern tsm_memset, tsm_memcpy, main, page_fault, other_fault, frames, stack_top
global memset, memcpy, peek, peek_failed, page_fault_entry, other_fault_entry, root

section .note.pvh note alloc noexec nowrite align=4
    dd 4, 8, 18                 ; XEN_ELFNOTE_PHYS32_ENTRY
    db "Xen", 0
    dq pvh_entry - KERNEL_BASE

section .data align=4096
; 1 GiB of memory at 0 (until main runs), at DIRECT_BASE and at KERNEL_BASE; the frames'
; descriptors at MEMMAP_BASE, see arch/bounds.h.
root:
    dq pdpt_low - KERNEL_BASE + 3
    times 255 dq 0
    dq pdpt_low - KERNEL_BASE + 3                   ; 256: 0xffff800000000000
    times 63 dq 0
    dq pdpt_frames - KERNEL_BASE + 3                ; 320: 0xffffa00000000000
    times 190 dq 0
    dq pdpt_high - KERNEL_BASE + 3                  ; 511
pdpt_low:
    dq pd_low - KERNEL_BASE + 3
    times 511 dq 0
pdpt_high:
    times 510 dq 0
    dq pd_low - KERNEL_BASE + 3
    dq 0
pdpt_frames:
    dq pd_frames - KERNEL_BASE + 3
    times 511 dq 0
pd_frames:
    dq frames - KERNEL_BASE + 0x83                  ; one page of 2 MiB
    times 511 dq 0
pd_low:
%assign i 0
%rep 512
    dq i * 0x200000 + 0x83
%assign i i + 1
%endrep

gdt:
    dq 0, 0x00af9b000000ffff    ; 8: code of 64 bits
gdt_pointer: dw 15
    dq gdt - KERNEL_BASE
gdt_pointer_high: dw 15         ; the low half will be a program's
    dq gdt

section .text
bits 32
pvh_entry:
    mov esi, ebx                ; start info
    lgdt [gdt_pointer - KERNEL_BASE]
    mov eax, 0x20               ; PAE
    mov cr4, eax
    mov eax, root - KERNEL_BASE
    mov cr3, eax
    mov ecx, 0xc0000080         ; EFER: LME, NXE
    mov eax, 0x900
    xor edx, edx
    wrmsr
    mov eax, 0x80010001         ; PG, WP, PE
    mov cr0, eax
    jmp 8:long_entry - KERNEL_BASE
bits 64
long_entry:
    mov rax, high_entry
    jmp rax
high_entry:
    lgdt [gdt_pointer_high]
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov rsp, stack_top
    mov rax, -0x40000000        ; GS base: offset of this CPU's variables less GS_BIAS
    mov rdx, rax
    shr rdx, 32
    mov ecx, 0xc0000101
    wrmsr
    mov edi, esi
    call main

; page_fault(address, error, &rip)
page_fault_entry:
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    mov rdi, cr2
    mov rsi, [rsp + 72]
    lea rdx, [rsp + 80]
    cld
    call page_fault
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    add rsp, 8
    iretq

other_fault_entry:
    mov rdi, [rsp]
    mov rsi, [rsp + 8]
    call other_fault

memset: jmp tsm_memset          ; the compiler calls these
memcpy: jmp tsm_memcpy

; bool peek(const volatile u32 *from, u32 *to): false when it cannot be read.
peek:
    mov eax, [rdi]
    mov [rsi], eax
    mov eax, 1
    ret
peek_failed:
    xor eax, eax
    ret

section .note.GNU-stack noalloc noexec nowrite progbits
