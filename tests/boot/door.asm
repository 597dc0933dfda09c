; SPDX-License-Identifier: MIT
;
; The loader of the hostile boots: sets the registers of the wanted boot protocol and jumps to the
; kernel. Entered by QEMU through the PVH note in 32-bit protected mode. image.py assembles
; it flat at ORIGIN and fills the parameters at its end.

org ORIGIN
bits 32
    mov ebx, [parameter_ebx]
    mov eax, [parameter_eax]
    mov ecx, [parameter_root]
    test ecx, ecx
    jnz long_door
    jmp [parameter_entry]

; The 64-bit entry wants paging on, the block in RDI and a stack.
long_door:
    mov cr3, ecx
    mov eax, 1 << 5             ; PAE
    mov cr4, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 1 << 8              ; LME
    wrmsr
    mov eax, 0x80000011         ; PG ET PE
    mov cr0, eax
    lgdt [pointer]
    jmp 0x08:wide
bits 64
wide:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov esp, stack_top
    mov edi, ebx
    mov eax, [abs parameter_entry]
    jmp rax

    align 8
gdt:
    dq 0
    dq 0x00209a0000000000       ; 64-bit code
    dq 0x0000920000000000       ; data
pointer:
    dw pointer - gdt - 1
    dd gdt
    align 16
    times 512 db 0
stack_top:

parameter_entry: dd 0
parameter_eax:   dd 0
parameter_ebx:   dd 0
parameter_root:  dd 0           ; physical address of a PML4 for the 64-bit entry
