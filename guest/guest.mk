# How guests are built; the Makefile includes this.
#
# A guest is a folder guest/NAME with a main.c, all of whose sources are linked, or a file
# tests/guests/NAME.c or .S. It becomes $(GUEST_BUILD)/NAME.bin, a flat image: long mode unless it
# is listed below. NAME.elf beside it has the symbols.
#
# Needs gcc or clang, and GNU ld and objcopy. `make guests` builds all.

GUEST_LD      ?= ld
GUEST_OBJCOPY ?= objcopy
GUEST_BUILD   ?= build/guests

# Guests in 32-bit protected mode, and in real mode.
GUESTS_32 := boot-protected checkpoint-protected ptlcall-protected ptlcall-pae ptlcall-32bit-paging
GUESTS_16 := boot-real

# Guests that start as Multiboot and as PVH images, in protected mode: only their NAME.elf is used.
GUESTS_MULTIBOOT := multiboot
GUESTS_PVH       := pvh
GUESTS_32        += $(GUESTS_MULTIBOOT) $(GUESTS_PVH)

# MARSSx86's own guest header, for a test that compiles it unchanged: make MARSS_PTLCALLS_H=PATH.
# It is not part of this project, so without it there is no such guest, and its test is skipped.
MARSS_PTLCALLS_H ?=

GUEST_SOURCES := $(wildcard guest/*/main.c tests/guests/*.c tests/guests/*.S)
ifeq ($(MARSS_PTLCALLS_H),)
GUEST_SOURCES := $(filter-out tests/guests/marss-header.c,$(GUEST_SOURCES))
endif

# Guests that are Xen domains include the headers of Debian's libxen-dev, and nothing else of the host: the
# folder that the compiler is given holds a link to them.
XEN_HEADERS   ?= /usr/include/xen
GUEST_INCLUDE = $(GUEST_BUILD)/include

# CPL 0 code may be run by KVM's instruction emulator, which supports no vector registers. There is
# no libc: headers come from the compiler and from guest/posix.
GUEST_CFLAGS = -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only \
	-fno-common -ffunction-sections -Wall -Wextra -Wshadow -Wcast-qual \
	-Wstrict-prototypes -Wmissing-prototypes -Werror \
	-nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem guest/posix -isystem $(GUEST_INCLUDE) -I. -MMD -MP

GUEST_WIDTH_64 := -m64 -mno-red-zone -mcmodel=small
GUEST_WIDTH_32 := -m32 -march=i686
GUEST_WIDTH_16 := -m16 -march=i686 -Os -DGUEST_REAL_MODE
GUEST_LINK_64  := -m elf_x86_64 -T guest/lib/flat.ld
GUEST_LINK_32  := -m elf_i386 -T guest/lib/flat.ld
GUEST_LINK_16  := -m elf_i386 -T guest/lib/real.ld

# The library: all of it in 64 bits, the parts that do not need long mode in the others.
GUEST_LIB_64 := $(patsubst %,guest/lib/%.o,guest string format console check ptlcall pci pic exception \
	exception_entry smp smp_entry) guest/posix/posix.o \
	$(patsubst %,guest/xen/%.o,start xen gnttab events upcall_entry linux)
GUEST_LIB_32 := $(patsubst %,guest/lib/%.o,guest string format console check ptlcall)
GUEST_LIB_16 := $(GUEST_LIB_32)

guest_width  = $(if $(filter $1,$(GUESTS_32)),32,$(if $(filter $1,$(GUESTS_16)),16,64))
guest_name   = $(if $(filter %/main.c,$1),$(notdir $(patsubst %/main.c,%,$1)),$(basename $(notdir $1)))
guest_files  = $(if $(filter %/main.c,$1),$(wildcard $(dir $1)*.c $(dir $1)*.S),$1)
guest_start  = $(if $(filter $1,$(GUESTS_MULTIBOOT)),start-multiboot,$(if $(filter $1,$(GUESTS_PVH)),start-pvh,start$2))
guest_suffix = $(if $(filter $1,$(GUESTS_MULTIBOOT) $(GUESTS_PVH)),elf,bin)
guest_object = $(patsubst %,$(GUEST_BUILD)/$1/%.o,$(basename $2))

# $(call guest_rule,NAME,WIDTH,SOURCES): how one guest is linked.
define guest_rule
GUEST_OBJECTS += $(call guest_object,$2,guest/lib/$(call guest_start,$1,$2).S $3)
$(GUEST_BUILD)/$1.elf: $(call guest_object,$2,guest/lib/$(call guest_start,$1,$2).S $3) \
		$(GUEST_BUILD)/lib$2.a $(if $(filter 16,$2),guest/lib/real.ld,guest/lib/flat.ld)
	$$(call say,LD,$$@)$$(GUEST_LD) $$(GUEST_LINK_$2) -nostdlib --gc-sections --build-id=none -z noexecstack --no-warn-rwx-segments -o $$@ $$(filter %.o %.a,$$^)
endef

# $(call guest_width_rules,WIDTH): how the objects and the library of a width are made.
define guest_width_rules
GUEST_OBJECTS += $(addprefix $(GUEST_BUILD)/$1/,$(GUEST_LIB_$1))
$(GUEST_BUILD)/$1/%.o: %.c | $(GUEST_INCLUDE)/xen
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(CC) $$(GUEST_CFLAGS) $$(GUEST_WIDTH_$1) -c -o $$@ $$<
$(GUEST_BUILD)/$1/%.o: %.S
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(CC) $$(GUEST_CFLAGS) $$(GUEST_WIDTH_$1) -c -o $$@ $$<
$(GUEST_BUILD)/lib$1.a: $(addprefix $(GUEST_BUILD)/$1/,$(GUEST_LIB_$1))
	@rm -f $$@
	$$(call say,AR,$$@)$$(AR) rcs $$@ $$^
endef

GUEST_OBJECTS :=
$(foreach width,64 32 16,$(eval $(call guest_width_rules,$(width))))
$(foreach source,$(GUEST_SOURCES),$(eval $(call guest_rule,$(call guest_name,$(source)),$(call \
	guest_width,$(call guest_name,$(source))),$(call guest_files,$(source)))))

GUEST_IMAGES := $(foreach source,$(GUEST_SOURCES),$(GUEST_BUILD)/$(call \
	guest_name,$(source)).$(call guest_suffix,$(call guest_name,$(source))))

$(GUEST_BUILD)/%.bin: $(GUEST_BUILD)/%.elf
	$(call say,COPY,$@)$(GUEST_OBJCOPY) -O binary $< $@

$(GUEST_INCLUDE)/xen:
	@mkdir -p $(@D)
	@ln -sfn $(XEN_HEADERS) $@

# Only this guest includes a header that does not compile without warnings.
$(GUEST_BUILD)/64/tests/guests/marss-header.o: GUEST_CFLAGS += -w \
	-DMARSS_PTLCALLS_H='"$(abspath $(MARSS_PTLCALLS_H))"'

# An initrd for the tests.
$(GUEST_BUILD)/module.txt: | $(GUEST_IMAGES)
	@printf 'a line of the module\n' >$@

.PHONY: guests
guests: $(GUEST_IMAGES) $(GUEST_BUILD)/module.txt

.PRECIOUS: $(GUEST_BUILD)/%.elf

-include $(patsubst %.o,%.d,$(sort $(GUEST_OBJECTS)))
