; SPDX-License-Identifier: MIT
;
; From the loader to C. PVH and multiboot2 arrive in 32-bit protected mode without paging,
; without a promised stack, with the information block at EBX; our UEFI loader arrives in
; 64-bit mode, which is left again, so that nothing of the firmware's paging (five levels,
; PCID, its tables) stays. The code runs at whatever physical address the image was loaded
; at: EBP holds (where it is) - (where it was linked).
; Builds tables that map the first 4 GiB at 0 and at DIRECT_BASE and the image at its
; linked place, enters long mode, and calls boot_main(info, protocol, displacement).

%define KERNEL_BASE 0xffffffff80000000
%define PHYS(sym)   (ebp + sym - KERNEL_BASE)
%define MSR_EFER    0xc0000080
%define MSR_GS_BASE 0xc0000101
%define GS_BIAS     0x40000000  ; arch/cpu.h
%define PTE_TABLE   0x03        ; present, writable
%define PTE_LARGE   0x83
%define WORD_TEST   0x5aa5c33c
%define LOW_STACK   0x7000      ; memory on every PC
%define TEXT_SCREEN 0xb8000
%define DEBUG_EXIT  0xf4
%define REFUSED     127         ; as a panic: QEMU's status is 255
%define CR4_LEAVE   ((1 << 17) | (1 << 23))

global pvh_entry, multiboot2_entry, efi_entry
global boot_root, boot_pd_framebuffer
global boot_stack_guard, boot_stack_top
extern boot_main, image_end

section .boot progbits alloc exec nowrite align=16
bits 32

multiboot2_entry:
    mov edi, 1
    cmp eax, 0x36d76289
    je enter
    mov esi, no_magic - KERNEL_BASE
    jmp lost
pvh_entry:
    mov edi, 0
enter:
    cli
    cld
    mov esi, [ebx + 4]          ; borrow one word of the information block as stack
    mov dword [ebx + 4], WORD_TEST
    cmp dword [ebx + 4], WORD_TEST
    jne no_block
    lea esp, [ebx + 8]
    call .here
.here:
    pop ebp
    mov [ebx + 4], esi
    sub ebp, .here - KERNEL_BASE
    lea esp, [PHYS(boot_stack_top)]
    push edi
    push ebx

    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29
    jz no_long_mode

    call build_tables
    lea eax, [PHYS(boot_root)]
    mov cr3, eax
    mov eax, 1 << 5             ; PAE and nothing a poor CPU might not have
    mov cr4, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, 1 << 8              ; LME
    wrmsr
    mov eax, 0x80010033         ; PG WP NE ET MP PE; caches on
    mov cr0, eax

    pop ebx
    pop edi
    lea eax, [PHYS(boot_gdt)]
    sub esp, 8
    mov word [esp], boot_gdt_end - boot_gdt - 1
    mov [esp + 2], eax
    lgdt [esp]
    push 0x08
    lea eax, [PHYS(long_mode)]
    push eax
    retf

; 2 MiB pages: [0, 4 GiB) shared by the identity and the early direct map, and the image.
build_tables:
    lea edi, [PHYS(boot_root)]
    xor eax, eax
    mov ecx, (boot_tables_end - boot_root) / 4
    rep stosd

    lea edi, [PHYS(boot_pd_low)]
    mov eax, PTE_LARGE
    mov ecx, 2048
.low:
    mov [edi], eax
    add eax, 0x200000
    add edi, 8
    loop .low

    lea eax, [PHYS(boot_pd_low) + PTE_TABLE]
    lea edi, [PHYS(boot_pdpt_low)]
    mov ecx, 4
.pdpt:
    mov [edi], eax
    add eax, 4096
    add edi, 8
    loop .pdpt

    lea eax, [PHYS(boot_pdpt_low) + PTE_TABLE]
    mov [PHYS(boot_root)], eax
    mov [PHYS(boot_root) + 256 * 8], eax
    lea eax, [PHYS(boot_pdpt_high) + PTE_TABLE]
    mov [PHYS(boot_root) + 511 * 8], eax
    lea eax, [PHYS(boot_pd_image) + PTE_TABLE]
    mov [PHYS(boot_pdpt_high) + 510 * 8], eax
    lea eax, [PHYS(boot_pd_framebuffer) + PTE_TABLE]
    mov [PHYS(boot_pdpt_high) + 511 * 8], eax

    lea edi, [PHYS(boot_pd_image)]
    mov ecx, 0x200000           ; linked address of the first page
.image:
    add edi, 8
    lea eax, [ebp + ecx + PTE_LARGE]
    mov [edi], eax
    add ecx, 0x200000
    cmp ecx, image_end - KERNEL_BASE
    jb .image
    ret

; Boot services are gone, interrupts are off, RDI holds the block; handover.h.
bits 64
efi_entry:
    cli
    cld
    mov ebx, edi
    mov rax, cr4
    and rax, ~CR4_LEAVE         ; paging cannot be switched off under PCID; no CET either
    mov cr4, rax
    lea rax, [rel flat_gdt]
    sub rsp, 16
    mov word [rsp], flat_gdt_end - flat_gdt - 1
    mov [rsp + 2], rax
    lgdt [rsp]
    push 0x08
    lea rax, [rel .narrow]
    push rax
    o64 retf
bits 32
.narrow:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov eax, cr0
    and eax, ~(1 << 31)         ; PG
    mov cr0, eax
    mov ecx, MSR_EFER
    rdmsr
    and eax, ~(1 << 8)          ; LME
    wrmsr
    mov eax, 1 << 5             ; only now may LA57 go
    mov cr4, eax
    mov edi, 2
    jmp enter

; Refusals: one line on the first serial port and on the text screen, if they are there.
no_long_mode:
    lea esi, [PHYS(poor_cpu)]
    jmp refuse
no_block:
    mov esi, nowhere - KERNEL_BASE
lost:                           ; ESI: the text's linked physical address; nothing tells where we are
    mov esp, LOW_STACK          ; it may hold the loader's data, which we do not want
    call .here
.here:
    pop ebp
    sub ebp, .here - KERNEL_BASE
    add esi, ebp
refuse:
    cld
    mov edi, TEXT_SCREEN
.next:
    lodsb
    test al, al
    jz .stop
    mov ah, 0x4f                ; white on red
    mov [edi], ax
    add edi, 2
    mov ah, al
    mov ecx, 100000             ; the port may not exist
.wait:
    mov dx, 0x3fd
    in al, dx
    test al, 0x20
    jnz .send
    loop .wait
.send:
    mov al, ah
    mov dx, 0x3f8
    out dx, al
    jmp .next
.stop:
    mov al, REFUSED
    out DEBUG_EXIT, al
.halt:
    cli
    hlt
    jmp .halt

poor_cpu: db "tessera: this CPU has no 64-bit mode", 13, 10, 0
no_magic: db "tessera: entered by multiboot2 without its magic number", 13, 10, 0
nowhere:  db "tessera: the loader's block is not in memory", 13, 10, 0

bits 64
long_mode:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov rax, high_half
    jmp rax
high_half:
    mov rsp, boot_stack_top
    mov ecx, MSR_GS_BASE
    mov rax, -GS_BIAS           ; this CPU's copies have offset 0
    mov rdx, rax
    shr rdx, 32
    wrmsr
    mov esi, edi                ; protocol
    mov edi, ebx                ; information block
    movsxd rdx, ebp             ; displacement
    xor ebp, ebp                ; end of the chain of frames
    call boot_main
    ud2

    align 8
boot_gdt:
    dq 0
    dq 0x00209a0000000000       ; 64-bit code
    dq 0x0000920000000000       ; data
boot_gdt_end:

flat_gdt:
    dq 0
    dq 0x00cf9a000000ffff       ; 32-bit code
    dq 0x00cf92000000ffff       ; data
flat_gdt_end:

section .bss
    alignb 4096
boot_root:      resb 4096
boot_pdpt_low:  resb 4096
boot_pdpt_high: resb 4096
boot_pd_image:  resb 4096
boot_pd_framebuffer: resb 4096   ; empty: filled by mmu/framebuffer.c
boot_pd_low:    resb 4 * 4096
boot_tables_end:
boot_stack_guard: resb 4096     ; not mapped in the final tables
    resb 4 * 4096
boot_stack_top:
