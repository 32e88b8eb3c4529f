/* Finding a stub: built in, in a file, or the owner's. */
#include "vmm/step/stub.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY "minivmm_stub"

static const char elf_magic[] = {0x7f, 'E', 'L', 'F'};

/* (who) names the stub in sentences. The ABI is checked first: other members may be elsewhere. */
static int check_type(const struct minivmm_stub *type, const char *who, struct error *error)
{
    if (type->abi != MINIVMM_ABI)
        return error_set(error, -EPROTO,
                         "%s is for ABI %u, and this minivmm has %u; build it against this "
                         "minivmm's header",
                         who, type->abi, MINIVMM_ABI);
    if (!type->name || !*type->name)
        return error_set(error, -EINVAL, "%s has no name; give it one", who);
    return 0;
}

/* dlopen()'s messages for a text file, a directory or a FIFO do not help the user. */
static int check_file(const char *path, struct error *error)
{
    char magic[sizeof(elf_magic)];
    struct stat status;
    ssize_t length;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return error_set(error, -errno, "stub %s: %s; name a shared object that can be read", path,
                         strerror(errno));
    length =
        fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read(fd, magic, sizeof(magic)) : 0;
    close(fd);
    if (length != sizeof(magic) || memcmp(magic, elf_magic, sizeof(magic)) != 0)
        return error_set(error, -ENOEXEC,
                         "stub %s is not an ELF file; build a shared object: cc -shared -fPIC",
                         path);
    return 0;
}

/* dlerror() usually names the file and the missing symbol. */
static int open_library(struct stub *stub, const char *path, struct error *error)
{
    stub->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!stub->library)
        return error_set(error, -ENOEXEC, "stub %s cannot be loaded: %s", path, dlerror());
    stub->type = dlsym(stub->library, ENTRY);
    if (!stub->type)
        return error_set(error, -ENOSYS,
                         "stub %s has no symbol " ENTRY "; define `const struct minivmm_stub " ENTRY
                         "` in it",
                         path);
    return 0;
}

static int open_file(struct stub *stub, const char *path, struct error *error)
{
    char who[ERROR_TEXT_MAX / 2];
    int result = check_file(path, error);

    snprintf(who, sizeof(who), "stub %s", path);
    if (result == 0)
        result = open_library(stub, path, error);
    if (result == 0)
        result = check_type(stub->type, who, error);
    return result;
}

static int find_type(struct stub *stub, const struct minivmm_stub *const *types, const char *name,
                     struct error *error)
{
    for (const struct minivmm_stub *const *type = types; *type; type++)
        if (strcmp((*type)->name, name) == 0) {
            stub->type = *type;
            return 0;
        }
    return error_set(error, -ENOENT,
                     "no stub '%s' is built in; --stub help lists them, and a file has a slash: "
                     "./%s",
                     name, name);
}

/* Split (text): NAME or FILE, then a comma and OPTIONS. */
static int open_text(struct stub *stub, const struct minivmm_stub *const *types, const char *text,
                     struct error *error)
{
    const char *comma = strchr(text, ',');
    char *name = strndup(text, comma ? (size_t)(comma - text) : strlen(text));
    int result;

    if (!name)
        return error_set(error, -ENOMEM, "out of memory for the stub");
    if (comma)
        stub->options = strdup(comma + 1);
    if (comma && !stub->options)
        result = error_set(error, -ENOMEM, "out of memory for the stub");
    else if (strchr(name, '/'))
        result = open_file(stub, name, error);
    else
        result = find_type(stub, types, name, error);
    if (result == -ENOENT && comma && strchr(comma, '/'))
        error_set(error, result,
                  "stub %s: there is none; after the comma come its options; give a path "
                  "without commas",
                  name);
    free(name);
    return result;
}

static int open_own(struct stub *stub, const struct minivmm_stub *own, const char *options,
                    struct error *error)
{
    int result = check_type(own, "the config's own stub", error);

    if (result < 0)
        return result;
    if (options && !(stub->options = strdup(options)))
        return error_set(error, -ENOMEM, "out of memory for the stub");
    stub->type = own;
    return 0;
}

/* Callbacks are nested: a command's in a call's. */
static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

/* Only attach() gets the options. */
static int check_options(const struct stub *stub, struct error *error)
{
    if (!stub->options || stub->type->attach)
        return 0;
    return error_set(error, -EINVAL, "stub %s: it takes no options; leave out '%s'",
                     stub->type->name, stub->options);
}

static void release(struct stub *stub)
{
    free(stub->options);
    if (stub->library)
        dlclose(stub->library);
    pthread_mutex_destroy(&stub->lock);
    memset(stub, 0, sizeof(*stub));
}

int stub_open(struct stub *stub, const struct minivmm_stub *const *types, const char *text,
              const struct minivmm_stub *own, const char *own_options, struct error *error)
{
    int result;

    memset(stub, 0, sizeof(*stub));
    init_lock(&stub->lock);
    if (own)
        result = open_own(stub, own, own_options, error);
    else
        result = open_text(stub, types, text ? text : types[0]->name, error);
    if (result == 0)
        result = check_options(stub, error);
    if (result < 0) {
        release(stub);
    }
    return result;
}

void stub_close(struct stub *stub)
{
    if (stub->type)
        release(stub);
}

void stub_print_types(const struct minivmm_stub *const *types, int fd)
{
    for (const struct minivmm_stub *const *type = types; *type; type++)
        dprintf(fd, "  %-12s %s\n", (*type)->name, (*type)->help);
}
