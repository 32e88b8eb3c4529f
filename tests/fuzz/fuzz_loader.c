/*
 * Fuzzing of the image loader: any bytes are loaded or refused, and never more than that happens.
 *
 * With clang -fsanitize=fuzzer this is a libFuzzer program. With -DFUZZ_FILES it is an ordinary one:
 *   fuzz-files FILE...              load each file, of bytes or NAME.hex
 *   fuzz-files --assemble DIR FILE.hex...   write them as bytes into DIR, as seeds for the fuzzer
 */
#include "guest/abi/boot.h"
#include "tests/unit/hex.h"
#include "vmm/boot/loader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_MEMORY (4 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static void require_untouched(const struct memory *memory, uint64_t first, uint64_t end)
{
    const uint8_t *place = memory_at(memory, gpa(first), end - first);

    /* Zero, and every byte like the next one. */
    require(place[0] == 0 && memcmp(place, place + 1, end - first - 1) == 0,
            "a kept area was written");
}

static void check_loaded(const struct memory *memory, const struct x86_start *start)
{
    require(memory_at(memory, gpa(start->entry), 1), "the entry is not in RAM");
    require(start->stack % 16 == 0 && start->stack <= memory_low_end(memory), "the stack is bad");
    require_untouched(memory, BOOT_AREA, BOOT_LOADER);
    require_untouched(memory, BOOT_TABLES, BOOT_AREA_END);
    require_untouched(memory, BOOT_BIOS, BOOT_BIOS_END);
}

static void check_refused(const struct memory *memory, const struct error *error)
{
    require(strncmp(error->text, "image: ", 7) == 0 || strncmp(error->text, "initrd: ", 8) == 0,
            "the sentence does not name the file");
    require(!strchr(error->text, '\n'), "the sentence has more than one line");
    require_untouched(memory, BOOT_AREA, BOOT_AREA_END);
}

static void load(const struct loader_file *image, const struct loader_file *initrd)
{
    const struct loader_request request = {.path = "image", .append = "one two"};
    struct memory memory;
    struct x86_start start;
    struct error error = {""};

    require(memory_init(&memory, FUZZ_MEMORY, NULL) == 0, "no memory");
    if (loader_load_files(&memory, &request, image, initrd, &start, &error) == 0)
        check_loaded(&memory, &start);
    else
        check_refused(&memory, &error);
    memory_finish(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t module[100] = {1};
    struct loader_file image = {.path = "image", .size = size};
    const struct loader_file initrd = {.path = "initrd", .bytes = module, .size = sizeof(module)};

    if (size == 0 || size > FUZZ_MEMORY)
        return 0;
    image.bytes = malloc(size); /* of just this size, so that a byte too far is seen */
    require(image.bytes, "no memory");
    memcpy(image.bytes, bytes, size);
    load(&image, NULL);
    load(&image, &initrd);
    free(image.bytes);
    return 0;
}

#ifdef FUZZ_FILES
static bool is_text(const char *path)
{
    const size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".hex") == 0;
}

static int read_text(const char *path, struct hex_image *image)
{
    const int line = hex_read(path, image);

    if (line != 0)
        fprintf(stderr, "%s:%d: not understood\n", path, line);
    return line;
}

static int assemble(const char *dir, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct hex_image image;
    char name[4096];
    int fd;
    ssize_t count;

    if (read_text(path, &image) != 0)
        return -1;
    snprintf(name, sizeof(name), "%s/%s", dir, slash ? slash + 1 : path);
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        perror(name);
        return -1;
    }
    count = write(fd, image.bytes, image.size);
    close(fd);
    return count == (ssize_t)image.size ? 0 : -1;
}

static int run(const char *path)
{
    struct hex_image text;
    struct loader_file file;
    struct error error;

    if (is_text(path)) {
        if (read_text(path, &text) != 0)
            return -1;
        return LLVMFuzzerTestOneInput(text.bytes, text.size);
    }
    if (loader_read_file(path, FUZZ_MEMORY, &file, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    LLVMFuzzerTestOneInput(file.bytes, file.size);
    loader_free_file(&file);
    return 0;
}

int main(int argc, char **argv)
{
    const bool assembles = argc > 2 && strcmp(argv[1], "--assemble") == 0;
    int failed = 0;

    for (int i = assembles ? 3 : 1; i < argc; i++)
        failed |= assembles ? assemble(argv[2], argv[i]) : run(argv[i]);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif
