; SPDX-License-Identifier: MIT
;
; From a startup interrupt to C, for every CPU but the first. It begins in 16-bit mode at the
; page below 1 MiB to which arch/x86_64/cpu/smp.c has copied ap_code; goes to 32 bits, then
; under the tables of start.asm (identity below 4 GiB, and the image) to 64 bits and to the
; image itself. There it takes what smp.c has prepared in ap_start, if that is for it.
; Intel SDM vol. 3A, 8.4 and 9.8.5.

%define MSR_EFER    0xc0000080
%define MSR_GS_BASE 0xc0000101
%define NOBODY      0xffffffff

global ap_code, ap_code_end, ap_root, ap_start
extern ap_main

section .rodata progbits alloc noexec nowrite align=16
bits 16
ap_code:
    cli
    cld
    mov ax, cs
    mov ds, ax
    movzx ebx, ax
    shl ebx, 4                      ; where this copy is
    lea eax, [ebx + gdt - ap_code]
    mov [gdtr + 2 - ap_code], eax
    lea eax, [ebx + protected - ap_code]
    mov [target - ap_code], eax
    mov word [target + 4 - ap_code], 0x08
    o32 lgdt [gdtr - ap_code]
    mov eax, 0x11                   ; PE ET; caches on
    mov cr0, eax
    jmp far dword [target - ap_code]
bits 32
protected:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov eax, 1 << 5                 ; PAE
    mov cr4, eax
    mov eax, [ebx + ap_root - ap_code]
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, 1 << 8                  ; LME
    wrmsr
    mov eax, 0x80010033             ; PG WP NE ET MP PE
    mov cr0, eax
    lea eax, [ebx + long_mode - ap_code]
    mov [ebx + target - ap_code], eax
    mov word [ebx + target + 4 - ap_code], 0x18
    jmp far dword [ebx + target - ap_code]
bits 64
long_mode:
    mov rax, ap_high
    jmp rax

    align 8
target: dd 0                        ; a far pointer, one CPU after the other
    dw 0
gdtr:
    dw gdt_end - gdt - 1
    dd 0
ap_root: dd 0                       ; written by smp.c
    align 8
gdt:
    dq 0
    dq 0x00cf9a000000ffff           ; 32-bit code
    dq 0x00cf92000000ffff           ; data
    dq 0x00209a0000000000           ; 64-bit code
gdt_end:
ap_code_end:

; struct ap_start of smp.c
section .data align=8
ap_start:
.wanted: dd NOBODY                  ; APIC id of the CPU that is to come
.efer:   dd 0                       ; bits to set
.root:   dq 0
.stack:  dq 0
.gs_base: dq 0

section .text progbits alloc exec nowrite align=16
; A CPU that comes when it is not expected any more, or not meant, stays here.
ap_high:
    xor eax, eax
    mov fs, eax
    mov gs, eax
    cpuid
    cmp eax, 0xb
    jb .short_id
    mov eax, 0xb                    ; the whole x2APIC id
    xor ecx, ecx
    cpuid
    test ebx, ebx
    jz .short_id
    mov eax, edx
    jmp .claim
.short_id:
    mov eax, 1
    cpuid
    mov eax, ebx
    shr eax, 24
.claim:
    mov ecx, NOBODY
    lock cmpxchg [rel ap_start.wanted], ecx
    jne .stay
    mov ecx, MSR_EFER
    rdmsr
    or eax, [rel ap_start.efer]
    wrmsr
    mov rax, [rel ap_start.root]
    mov cr3, rax
    mov rsp, [rel ap_start.stack]
    mov rax, [rel ap_start.gs_base]
    mov rdx, rax
    shr rdx, 32
    mov ecx, MSR_GS_BASE
    wrmsr
    xor ebp, ebp                    ; end of the chain of frames
    call ap_main
    ud2
.stay:
    cli
    hlt
    jmp .stay
