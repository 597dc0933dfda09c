; SPDX-License-Identifier: MIT
;
; The image of the vDSO, as tools/mk/kernel.mk makes it from arch/x86_64/vdso.

section .rodata
align 16
global vdso_image, vdso_image_end
vdso_image:
    incbin "vdso.so"
vdso_image_end:
