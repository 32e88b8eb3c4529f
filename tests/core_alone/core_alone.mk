# The monitor alone: three folders and a serial port, linked without any other object of the tree. A use of
# anything above them is an undefined symbol, and the link fails.

CORE_ALONE_SOURCES := $(wildcard vmm/base/*.c vmm/io/*.c vmm/core/*.c) devices/serial.c devices/serial_chip.c \
	tests/core_alone/main.c

$(BUILD)/core_alone: $(CORE_ALONE_SOURCES:%.c=$(BUILD)/%.o)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^
