# The library: libminivmm.a, libminivmm.so and minivmm.pc, and their installation. The Makefile includes this.
#
# Everything but the API is compiled with hidden visibility. In the static library, which
# is a single object, hidden symbols are also local: a program's own names cannot clash with them.

LIBRARY_VERSION := $(shell sed -n 's/^.define MINIVMM_VERSION "\(.*\)"/\1/p' include/minivmm.h)
LIBRARY_ABI     := $(shell sed -n 's/^.define MINIVMM_ABI \([0-9]*\).*/\1/p' include/minivmm.h)
SONAME          := libminivmm.so.$(LIBRARY_ABI)
OBJCOPY         ?= objcopy

.PHONY: library
library: $(BUILD)/libminivmm.a $(BUILD)/$(SONAME) $(BUILD)/minivmm.pc

$(BUILD)/libminivmm.o: $(LIBRARY_OBJECTS)
	$(call say,LD,$@)$(LD) -r -o $@.whole $^
	@$(OBJCOPY) --localize-hidden $@.whole $@

$(BUILD)/libminivmm.a: $(BUILD)/libminivmm.o
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $<

$(BUILD)/$(SONAME): $(LIBRARY_OBJECTS) api/minivmm.map
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) \
	    -Wl,--version-script=api/minivmm.map -o $@ $(LIBRARY_OBJECTS) -lm -ldl

# Made each time: PREFIX may differ.
.PHONY: $(BUILD)/minivmm.pc
$(BUILD)/minivmm.pc:
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|'$(call quote,$(PREFIX))'|' -e 's|@VERSION@|$(LIBRARY_VERSION)|' api/minivmm.pc.in >$@

# DESTDIR and PREFIX may have spaces in them.
INSTALL_TO := $(call quote,$(DESTDIR)$(PREFIX))

.PHONY: install install-library
install: all install-library
	install -D -m 755 minivmm $(INSTALL_TO)/bin/minivmm
	install -D -m 644 docs/minivmm.1 $(INSTALL_TO)/share/man/man1/minivmm.1

install-library: library
	install -D -m 644 include/minivmm.h $(INSTALL_TO)/include/minivmm.h
	install -D -m 644 $(BUILD)/libminivmm.a $(INSTALL_TO)/lib/libminivmm.a
	install -D -m 755 $(BUILD)/$(SONAME) $(INSTALL_TO)/lib/$(SONAME)
	ln -sf $(SONAME) $(INSTALL_TO)/lib/libminivmm.so
	install -D -m 644 $(BUILD)/minivmm.pc $(INSTALL_TO)/lib/pkgconfig/minivmm.pc
