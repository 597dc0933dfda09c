; SPDX-License-Identifier: MIT
;
; Copies between kernel and user memory. Every instruction that touches user memory stands
; in the exception table; when it faults for good, the rest of the count says what is
; left. A word that faults is tried again byte by byte, so the count is exact.

%include "arch/x86_64/cpu/percpu.inc"

bits 64
section .text progbits alloc exec nowrite align=16

%define EFAULT 14

global arch_copy_from_user, arch_copy_to_user, arch_clear_user
global arch_strncpy_from_user, arch_load_user_u32, arch_cmpxchg_user_u32
global arch_store_user_u16

; size_t (void *dst, src, size_t n): the same code both ways
    align 16
arch_copy_from_user:
arch_copy_to_user:
    mov rcx, rdx
    and edx, 7
    shr rcx, 3
    STAC
.words:
    rep movsq
    mov ecx, edx
.bytes:
    rep movsb
.done:
    CLAC
    mov rax, rcx
    ret
.word_fault:
    lea rcx, [rcx * 8 + rdx]
    jmp .bytes
EXTABLE .words, .word_fault
EXTABLE .bytes, .done

; size_t (dst, size_t n)
    align 16
arch_clear_user:
    mov rcx, rsi
    and esi, 7
    shr rcx, 3
    xor eax, eax
    STAC
.words:
    rep stosq
    mov ecx, esi
.bytes:
    rep stosb
.done:
    CLAC
    mov rax, rcx
    ret
.word_fault:
    lea rcx, [rcx * 8 + rsi]
    jmp .bytes
EXTABLE .words, .word_fault
EXTABLE .bytes, .done

; ssize_t (char *dst, src, size_t max)
    align 16
arch_strncpy_from_user:
    xor eax, eax
    STAC
.next:
    cmp rax, rdx
    je .done
.load:
    movzx ecx, byte [rsi + rax]
    mov [rdi + rax], cl
    test cl, cl
    jz .done
    inc rax
    jmp .next
.done:
    CLAC
    ret
.fault:
    mov rax, -EFAULT
    jmp .done
EXTABLE .load, .fault

; int (dst, u16 value)
    align 16
arch_store_user_u16:
    xor eax, eax
    STAC
.store:
    mov [rdi], si
    CLAC
    ret
.fault:
    CLAC
    mov eax, -EFAULT
    ret
EXTABLE .store, .fault

; int (src, u32 *value)
    align 16
arch_load_user_u32:
    xor eax, eax
    STAC
.load:
    mov ecx, [rdi]
    CLAC
    mov [rsi], ecx
    ret
.fault:
    CLAC
    mov eax, -EFAULT
    ret
EXTABLE .load, .fault

; int (dst, u32 expected, u32 desired, u32 *old)
    align 16
arch_cmpxchg_user_u32:
    mov eax, esi
    STAC
.exchange:
    lock cmpxchg [rdi], edx
    CLAC
    mov [rcx], eax
    xor eax, eax
    ret
.fault:
    CLAC
    mov eax, -EFAULT
    ret
EXTABLE .exchange, .fault
