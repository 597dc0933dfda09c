# SPDX-License-Identifier: MIT
#
# What one would hand to others, with checksums: $(RELEASE). Each file is the same, byte for byte, wherever
# and whenever it is made from the same sources with the same tools: dates inside are that of the
# commit, or SOURCE_DATE_EPOCH.

RELEASE       := $(O)/upload
RELEASE_NEEDS := $(ESP_FILES:%=$(ESP)/%) $(LIB)/libtessera-mm.a
RELEASE_DATE   = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct))
TAR_SAME       = tar --sort=name --mtime=@$(RELEASE_DATE) --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
                     --format=ustar

define MAKE_RELEASE
	rm -rf $(RELEASE)
	mkdir -p $(RELEASE)
	$(call say,COPY ,$(RELEASE))
	cp $(ESP)/boot/kernel.elf $(ESP)/boot/initramfs.cpio $(EXPLORER) LICENSE tools/release-boot $(RELEASE)
	SOURCE_DATE_EPOCH=$(RELEASE_DATE) tools/mkimage.py iso -o $(RELEASE)/tessera.iso $(ESP)
	SOURCE_DATE_EPOCH=$(RELEASE_DATE) tools/mkimage.py usb -o $(RELEASE)/tessera.img $(ESP)
	$(TAR_SAME) -cf - -C $(abspath $(LIB)) libtessera-mm.a tessera-mm.h -C $(CURDIR)/docs porting.md -C .. LICENSE | \
	    gzip -9n >$(RELEASE)/libtessera-mm.tar.gz
	$(TAR_SAME) -cf - -C $(O) book | gzip -9n >$(RELEASE)/book.tar.gz
	git describe --always --abbrev=12 --dirty >$(RELEASE)/VERSION
	cd $(RELEASE) && sha256sum $$(LC_ALL=C ls) >SHA256SUMS && chmod 644 * && chmod 755 kernel.elf release-boot
	cd $(RELEASE) && wc -c $$(LC_ALL=C ls) | sed '$$d; s/^/  /'
endef

TEST_RELEASE = tests/image/release.py
