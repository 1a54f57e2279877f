# OpenWrt: as Makefile into a folder of its feed, with tap.procd beside it in
# files/; of the source that `make dist` makes, which has the libraries in it.
include $(TOPDIR)/rules.mk

PKG_NAME:=tap
PKG_VERSION:=0.1.0
PKG_RELEASE:=1
PKG_SOURCE:=tap-$(PKG_VERSION).tar.xz
PKG_LICENSE:=ISC

include $(INCLUDE_DIR)/package.mk

define Package/tap
  SECTION:=net
  CATEGORY:=Network
  TITLE:=TCP services that only key holders can see
  DEPENDS:=@(aarch64||arm||mips64el||riscv64||x86_64) +kmod-nft-queue \
	+kmod-nfnetlink-queue
endef

define Build/Compile
	$(MAKE) -C $(PKG_BUILD_DIR) CC='$(TARGET_CC)' AR='$(TARGET_AR)' \
		STRIP='$(TARGET_CROSS)strip' HOST='$(GNU_TARGET_NAME)' \
		CFLAGS='$(TARGET_CFLAGS)' LDFLAGS='$(TARGET_LDFLAGS)'
endef

define Package/tap/install
	$(INSTALL_DIR) $(1)/usr/bin $(1)/etc/init.d
	$(INSTALL_BIN) $(PKG_BUILD_DIR)/tap $(1)/usr/bin
	$(INSTALL_BIN) ./files/tap.procd $(1)/etc/init.d/tap
endef

$(eval $(call BuildPackage,tap))
