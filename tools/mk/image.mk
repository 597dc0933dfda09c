# SPDX-License-Identifier: MIT
#
# Boot media. $(ESP) is what every UEFI medium holds; the ISO and the stick are made of it, and
# it can be copied to any FAT32 stick. In $(ESP_GRUB) GRUB stands where the firmware looks,
# for the tests of that path.

ISO      := $(O)/tessera.iso
USB      := $(O)/tessera.img
ESP      := $(O)/esp
ESP_GRUB := $(O)/esp-grub
GRUB_EFI := $(O)/efi/GRUBX64.EFI

GRUB_EFI_MODULES := part_gpt part_msdos fat iso9660 multiboot2 all_video serial terminal \
    normal test echo ls cat reboot halt
ESP_FILES := EFI/BOOT/BOOTX64.EFI EFI/BOOT/GRUBX64.EFI boot/kernel.elf boot/initramfs.cpio \
    boot/tessera.cfg boot/grub/grub.cfg

$(GRUB_EFI): tools/mk/image.mk
	mkdir -p $(@D)
	$(call say,GRUB ,$@)
	grub-mkimage -O x86_64-efi -p /boot/grub -o $@ $(GRUB_EFI_MODULES)

$(ESP)/EFI/BOOT/%.EFI: $(O)/efi/%.EFI
	mkdir -p $(@D)
	cp $< $@

$(ESP_GRUB)/EFI/BOOT/BOOTX64.EFI: $(GRUB_EFI)
	mkdir -p $(@D)
	cp $< $@

# Without the debug sections: the names a panic shows are in the image itself.
$(ESP)/boot/kernel.elf $(ESP_GRUB)/boot/kernel.elf: $(KERNEL)
	mkdir -p $(@D)
	strip -o $@ $<

$(ESP)/boot/initramfs.cpio $(ESP_GRUB)/boot/initramfs.cpio: $(O)/iso.cpio
	mkdir -p $(@D)
	cp $< $@

$(ESP)/boot/tessera.cfg: user/boot/tessera.cfg
	mkdir -p $(@D)
	cp $< $@

$(ESP)/boot/grub/grub.cfg $(ESP_GRUB)/boot/grub/grub.cfg: user/boot/grub.cfg
	mkdir -p $(@D)
	cp $< $@

$(ISO): $(ESP_FILES:%=$(ESP)/%) tools/mkimage.py
	$(call say,ISO  ,$@)
	tools/mkimage.py iso -o $@ $(ESP)

$(USB): $(ESP_FILES:%=$(ESP)/%) tools/mkimage.py
	$(call say,USB  ,$@)
	tools/mkimage.py usb -o $@ $(ESP)

.PHONY: esp esp-grub
esp: $(ESP_FILES:%=$(ESP)/%)
esp-grub: $(addprefix $(ESP_GRUB)/,EFI/BOOT/BOOTX64.EFI boot/kernel.elf boot/initramfs.cpio \
    boot/grub/grub.cfg)

# Writes it when a device is named: make usb DEVICE=/dev/sdX
WRITE_USB = $(if $(DEVICE),tools/usb-write $(USB) $(DEVICE),\
    echo "  $(USB): write it with make usb DEVICE=/dev/sdX")
