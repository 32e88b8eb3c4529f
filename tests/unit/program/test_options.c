/* program/options.c: what a command line means, and the sentences for those that mean nothing. */
#include "api/needs.h"
#include "program/options.h"
#include "vmm/base/host_needs.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *options_suite(void);

#define WORDS_MAX (OPTIONS_DEVICES + 3)
#define KIB       1024ull
#define MIB       (1024 * KIB)
#define GIB       (1024 * MIB)
#define COUNT(a)  ((int)(sizeof(a) / sizeof((a)[0])))

static struct options options;
static struct minivmm_error error;
static char *argv[WORDS_MAX + 2];

/* Parse "minivmm" and (words), which NULL ends. */
static int parse(char *const *words)
{
    int argc = 0;

    argv[argc++] = "minivmm";
    while (*words)
        argv[argc++] = *words++;
    argv[argc] = NULL;
    ck_assert_int_le(argc, WORDS_MAX);
    strcpy(error.text, "no sentence");
    return options_parse(argc, argv, &options, &error);
}

#define PARSE(...) parse((char *[]){__VA_ARGS__, NULL})

static void check_parsed(int result)
{
    ck_assert_msg(result == 0, "%s", error.text);
}

START_TEST(devices_are_kept_in_the_order_given)
{
    check_parsed(PARSE("--device", "edu", "guest.bin", "--device=serial,port=0x2f8,out=f"));
    ck_assert_uint_eq(options.device_count, 2);
    ck_assert_str_eq(options.devices[0], "edu");
    ck_assert_str_eq(options.devices[1], "serial,port=0x2f8,out=f");
}
END_TEST

START_TEST(too_many_devices_are_refused)
{
    char *words[OPTIONS_DEVICES + 3] = {"guest.bin"};

    for (unsigned i = 1; i < OPTIONS_DEVICES + 2; i++)
        words[i] = "--device=edu";
    ck_assert_int_eq(parse(words), -EINVAL);
    ck_assert_str_eq(error.text, "--device edu: more than 32 devices; give fewer");
    words[OPTIONS_DEVICES + 1] = NULL;
    check_parsed(parse(words));
}
END_TEST

START_TEST(device_help_needs_no_image)
{
    check_parsed(PARSE("--device", "help"));
    ck_assert_int_eq(options.action, OPTIONS_DEVICE_HELP);
    ck_assert_str_eq(options.devices[0], "help");
    check_parsed(PARSE("--device", "edu,help"));
    ck_assert_int_eq(options.action, OPTIONS_DEVICE_HELP);
    ck_assert_str_eq(options.devices[0], "edu,help");
}
END_TEST

START_TEST(what_goes_with_an_image_is_kept)
{
    check_parsed(PARSE("--initrd", "disk", "--append", "a b", "--irqchip", "guest.bin"));
    ck_assert_str_eq(options.initrd, "disk");
    ck_assert_str_eq(options.append, "a b");
    ck_assert(options.irqchip);
    ck_assert_int_eq(options.mode, MINIVMM_MODE_PRESET);
    check_parsed(PARSE("--mode", "long", "guest.bin"));
    ck_assert_int_eq(options.mode, MINIVMM_MODE_LONG);
}
END_TEST

START_TEST(an_image_alone_gives_the_presets)
{
    check_parsed(PARSE("guest.bin"));
    ck_assert_int_eq(options.action, OPTIONS_RUN);
    ck_assert_str_eq(options.image, "guest.bin");
    ck_assert_uint_eq(options.word_count, 0);
    ck_assert_uint_eq(options.memory_size, 0);
    ck_assert_uint_eq(options.vcpu_count, 0);
    ck_assert_int_eq(options.mode, MINIVMM_MODE_PRESET);
    ck_assert(!options.has_load && !options.has_entry);
    ck_assert_uint_eq(options.timeout_ns, 0);
    ck_assert(!options.quiet && options.stats == MINIVMM_STATS_NONE);
    ck_assert_ptr_null(options.stats_file);
    ck_assert_ptr_null(options.ptlcall);
    ck_assert_ptr_null(options.debug_exit);
    ck_assert_ptr_null(options.stub);
    ck_assert_ptr_null(options.initrd);
    ck_assert_ptr_null(options.append);
    ck_assert_uint_eq(options.device_count, 0);
    ck_assert(!options.irqchip);
    ck_assert_ptr_null(options.out_dir);
}
END_TEST

#define FIELD(name) offsetof(struct options, name), sizeof(options.name)

static const struct number_case {
    char *words[3];
    size_t offset, size;
    uint64_t value;
} number_cases[] = {
    {{"-m", "32"}, FIELD(memory_size), 32 * MIB},
    {{"-m32"}, FIELD(memory_size), 32 * MIB},
    {{"--mem", "32"}, FIELD(memory_size), 32 * MIB},
    {{"--mem=32"}, FIELD(memory_size), 32 * MIB},
    {{"--me=32"}, FIELD(memory_size), 32 * MIB},
    {{"-c", "4"}, FIELD(vcpu_count), 4},
    {{"-c4"}, FIELD(vcpu_count), 4},
    {{"--cpus", "4"}, FIELD(vcpu_count), 4},
    {{"--cpus=1024"}, FIELD(vcpu_count), 1024},
    {{"--cp=2"}, FIELD(vcpu_count), 2},
    {{"--mode", "long"}, FIELD(mode), MINIVMM_MODE_LONG},
    {{"--mode", "protected"}, FIELD(mode), MINIVMM_MODE_PROTECTED},
    {{"--mode=real"}, FIELD(mode), MINIVMM_MODE_REAL},
    {{"--load", "0x200000"}, FIELD(load), 0x200000},
    {{"--load=2097152"}, FIELD(load), 0x200000},
    {{"--load=2M"}, FIELD(load), 0x200000},
    {{"--load=0"}, FIELD(load), 0},
    {{"--load=0"}, FIELD(has_load), true},
    {{"--load=0xffffffffffffffff"}, FIELD(load), UINT64_MAX},
    {{"--entry", "0x100010"}, FIELD(entry), 0x100010},
    {{"--entry=1048592"}, FIELD(entry), 0x100010},
    {{"--entry=0"}, FIELD(has_entry), true},
    {{"--timeout", "2"}, FIELD(timeout_ns), 2000000000},
    {{"--timeout=0.5"}, FIELD(timeout_ns), 500000000},
    {{"--timeout=.25"}, FIELD(timeout_ns), 250000000},
    {{"--timeout=0.001"}, FIELD(timeout_ns), 1000000},
    {{"--timeout=1e3"}, FIELD(timeout_ns), 1000000000000},
    {{"--timeout=1000000"}, FIELD(timeout_ns), 1000000000000000},
    {{"--quiet"}, FIELD(quiet), true},
    {{"--q"}, FIELD(quiet), true},
    {{"--stats"}, FIELD(stats), MINIVMM_STATS_TABLE},
    {{"--sta"}, FIELD(stats), MINIVMM_STATS_TABLE},
    {{"--stats=json"}, FIELD(stats), MINIVMM_STATS_JSON},
    {{"--stats=file=x"}, FIELD(stats), MINIVMM_STATS_TABLE},
    {{"--stats=json,file=x"}, FIELD(stats), MINIVMM_STATS_JSON},
    {{"-m32", "--mem=16"}, FIELD(memory_size), 16 * MIB},
};

START_TEST(an_option_sets_its_number)
{
    const struct number_case *c = &number_cases[_i];
    uint64_t value = 0;

    check_parsed(PARSE("guest.bin", c->words[0], c->words[1]));
    memcpy(&value, (const char *)&options + c->offset, c->size);
    ck_assert_uint_eq(value, c->value);
}
END_TEST

static const struct text_case {
    char *words[3];
    size_t offset;
    const char *value;
} text_cases[] = {
    {{"--stats"}, offsetof(struct options, stats_file), NULL},
    {{"--stats=json"}, offsetof(struct options, stats_file), NULL},
    {{"--stats=file=x"}, offsetof(struct options, stats_file), "x"},
    {{"--stats=json,file=x"}, offsetof(struct options, stats_file), "x"},
    {{"--stats=file=a,file=b"}, offsetof(struct options, stats_file), "a,file=b"},
    {{"--stats=file=json"}, offsetof(struct options, stats_file), "json"},
    {{"--ptlcall", "off"}, offsetof(struct options, ptlcall), "off"},
    {{"--ptlcall=port=1,log=x"}, offsetof(struct options, ptlcall), "port=1,log=x"},
    {{"--ptlcall=no such thing"}, offsetof(struct options, ptlcall), "no such thing"},
    {{"--debug-exit", "off"}, offsetof(struct options, debug_exit), "off"},
    {{"--debug-exit=code=qemu"}, offsetof(struct options, debug_exit), "code=qemu"},
    {{"--debug=code=qemu"}, offsetof(struct options, debug_exit), "code=qemu"},
    {{"--stub", "step,trace=f"}, offsetof(struct options, stub), "step,trace=f"},
    {{"--stub=./mine.so,help"}, offsetof(struct options, stub), "./mine.so,help"},
    {{"--out", "/tmp"}, offsetof(struct options, out_dir), "/tmp"},
    {{"--out=-x"}, offsetof(struct options, out_dir), "-x"},
};

START_TEST(an_option_passes_its_text_through)
{
    const struct text_case *c = &text_cases[_i];
    const char *value;

    check_parsed(PARSE("guest.bin", c->words[0], c->words[1]));
    memcpy(&value, (const char *)&options + c->offset, sizeof(value));
    ck_assert_pstr_eq(value, c->value);
}
END_TEST

static const struct {
    char *text;
    uint64_t bytes;
} sizes[] = {
    {"1", MIB},
    {"64", 64 * MIB},
    {"0x40", 64 * MIB},
    {"0x4a", 74 * MIB},
    {"0x4F", 79 * MIB},
    {"65536K", 64 * MIB},
    {"65536k", 64 * MIB},
    {"64M", 64 * MIB},
    {"0x40M", 64 * MIB},
    {"2g", 2 * GIB},
    {"40G", 40 * GIB},
    {"67108864", 64 * KIB *GIB},
    /* For memory_init() to refuse. */
    {"1K", KIB},
    {"17179869183G", 17179869183 * GIB},
};

START_TEST(a_size_is_in_mib_unless_it_says_else)
{
    check_parsed(PARSE("-m", sizes[_i].text, "guest.bin"));
    ck_assert_uint_eq(options.memory_size, sizes[_i].bytes);
}
END_TEST

#define SIZE     ": not allowed; give a size such as 64, 64M or 1G"
#define ZERO     "memory size 0 is not between 1 MiB and 64 TiB; give one in that range, such as 64M"
#define CPUS     ": not allowed; give a number from 1 to 1024"
#define MODE     ": not allowed; give long, protected or real"
#define ADDRESS  ": not allowed; give an address such as 0x100000"
#define SECONDS  ": not allowed; give seconds, from 0.001 to 1000000"
#define STATS    ": not allowed; give json, file=FILE or json,file=FILE"
#define UNKNOWN  ": there is no such option; see --help"
#define MISSING  ": a value is missing; see --help"
#define NO_VALUE ": this option takes no value; see --help"
#define SECOND   ": there is an image already; write guest arguments after --"
#define NONE     "no image; try: minivmm guest.bin, or --help"

static const struct refused_case {
    char *words[4];
    const char *sentence;
} refused_cases[] = {
    {{"-m", ""}, "--mem ''" SIZE},
    {{"-m", "abc"}, "--mem abc" SIZE},
    {{"-m", "0"}, ZERO},
    {{"-m", "0G"}, ZERO},
    {{"-m", "-5"}, "--mem -5" SIZE},
    {{"-m", "64T"}, "--mem 64T" SIZE},
    {{"-m", "64MB"}, "--mem 64MB" SIZE},
    {{"-m", "M"}, "--mem M" SIZE},
    {{"-m", "1.5G"}, "--mem 1.5G" SIZE},
    {{"-m", " 64"}, "--mem  64" SIZE},
    {{"-m", "0x"}, "--mem 0x" SIZE},
    {{"-m", "18446744073709551616"}, "--mem 18446744073709551616" SIZE},
    {{"-m", "17179869184G"}, "--mem 17179869184G" SIZE},
    {{"-m", "67108865"}, "--mem 67108865: not allowed; give fewer MiB"},
    {{"-m", "18446744073709551615"}, "--mem 18446744073709551615: not allowed; give fewer MiB"},
    {{"-c", ""}, "--cpus ''" CPUS},
    {{"-c", "0"}, "--cpus 0" CPUS},
    {{"-c", "-1"}, "--cpus -1" CPUS},
    {{"-c", "1025"}, "--cpus 1025" CPUS},
    {{"-c", "4294967297"}, "--cpus 4294967297" CPUS},
    {{"-c", "abc"}, "--cpus abc" CPUS},
    {{"-c", "1K"}, "--cpus 1K" CPUS},
    {{"--mode", ""}, "--mode ''" MODE},
    {{"--mode", "Long"}, "--mode Long" MODE},
    {{"--mode", "lon"}, "--mode lon" MODE},
    {{"--load", ""}, "--load ''" ADDRESS},
    {{"--load", "abc"}, "--load abc" ADDRESS},
    {{"--load", "-1"}, "--load -1" ADDRESS},
    {{"--load", "0x10000000000000000"}, "--load 0x10000000000000000" ADDRESS},
    {{"--entry", ""}, "--entry ''" ADDRESS},
    {{"--entry", "main"}, "--entry main" ADDRESS},
    {{"--timeout", ""}, "--timeout ''" SECONDS},
    {{"--timeout", "0"}, "--timeout 0" SECONDS},
    {{"--timeout", "0.0009"}, "--timeout 0.0009" SECONDS},
    {{"--timeout", "-1"}, "--timeout -1" SECONDS},
    {{"--timeout", "nan"}, "--timeout nan" SECONDS},
    {{"--timeout", "inf"}, "--timeout inf" SECONDS},
    {{"--timeout", "1000001"}, "--timeout 1000001" SECONDS},
    {{"--timeout", "5s"}, "--timeout 5s" SECONDS},
    {{"--timeout", "soon"}, "--timeout soon" SECONDS},
    {{"--stats="}, "--stats ''" STATS},
    {{"--stats=xml"}, "--stats xml" STATS},
    {{"--stats=jsonx"}, "--stats jsonx" STATS},
    {{"--stats=json,"}, "--stats json," STATS},
    {{"--stats=json,json"}, "--stats json,json" STATS},
    {{"--stats=file"}, "--stats file" STATS},
    {{"--stats=file="}, "--stats file=" STATS},
    {{"--stats=json,file="}, "--stats json,file=" STATS},
    {{"--stats=,file=x"}, "--stats ,file=x" STATS},
    {{"-m"}, "-m" MISSING},
    {{"-c"}, "-c" MISSING},
    {{"--mem"}, "--mem" MISSING},
    {{"--out"}, "--out" MISSING},
    {{"--ptlcall"}, "--ptlcall" MISSING},
    {{"--stub", ""}, "--stub '': not allowed; give a name or a file; help lists the names"},
    {{"--nope"}, "--nope" UNKNOWN},
    {{"--nope=3"}, "--nope=3" UNKNOWN},
    {{"--memory=3"}, "--memory=3" UNKNOWN},
    {{"--m=3"}, "--m=3: is this --mem or --mode? write the whole name"},
    {{"--de"}, "--de: is this --device or --debug-exit? write the whole name"},
    {{"--=3"}, "--=3" UNKNOWN},
    {{"-x"}, "-x" UNKNOWN},
    {{"-xyz"}, "-x" UNKNOWN},
    {{"-\xc3\xa9"}, "-\xc3" UNKNOWN},
    {{"-:"}, "-:" UNKNOWN},
    {{"--quiet=1"}, "--quiet=1" NO_VALUE},
    {{"--help=mem"}, "--help=mem" NO_VALUE},
    {{"other.bin"}, "other.bin" SECOND},
    {{"-m", "32", "other.bin"}, "other.bin" SECOND},
    {{"-"}, "-" SECOND},
};

START_TEST(what_cannot_be_meant_is_refused_with_a_sentence)
{
    const struct refused_case *c = &refused_cases[_i];

    ck_assert_int_eq(PARSE("guest.bin", c->words[0], c->words[1], c->words[2]), -EINVAL);
    ck_assert_str_eq(error.text, c->sentence);
}
END_TEST

START_TEST(a_second_image_is_told_where_guest_arguments_go)
{
    ck_assert_int_eq(PARSE("guest.bin", "argument"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "write guest arguments after --"));
}
END_TEST

START_TEST(a_command_line_without_an_image_is_refused)
{
    static char *const cases[][3] = {{NULL}, {"-m", "32"}, {"--"}, {"--", "guest.bin"}};

    for (int i = 0; i < COUNT(cases); i++) {
        ck_assert_int_eq(PARSE(cases[i][0], cases[i][1]), -EINVAL);
        ck_assert_str_eq(error.text, NONE);
    }
}
END_TEST

START_TEST(domains_are_kept_in_the_order_given)
{
    check_parsed(PARSE("--domain", "dom0.bin a b", "-m", "32", "--domain=domu.bin"));
    ck_assert_int_eq(options.action, OPTIONS_RUN);
    ck_assert_uint_eq(options.domain_count, 2);
    ck_assert_str_eq(options.domains[0], "dom0.bin a b");
    ck_assert_str_eq(options.domains[1], "domu.bin");
    ck_assert_ptr_null(options.domain_console);
    check_parsed(PARSE("--domain", "domu.bin", "--domain-console", "out"));
    ck_assert_uint_eq(options.domain_count, 1);
    ck_assert_str_eq(options.domain_console, "out");
    check_parsed(PARSE("guest.bin"));
    ck_assert_uint_eq(options.domain_count, 0);
}
END_TEST

#define FILES     ": not with --restore, --record or checkpoints; leave them out"
#define ARGUMENTS "word: write a domain's arguments after its image: --domain 'domu.bin word'"

static const struct {
    char *words[5];
    const char *sentence;
} domain_cases[] = {
    {{"--domain"}, "--domain" MISSING},
    {{"--domain", ""}, "--domain '': not allowed; give an image, then a space and its arguments"},
    {{"--domain", " a"}, "--domain  a: not allowed; give an image, then a space and its arguments"},
    {{"--domain=a", "--domain=b", "--domain=c"}, "--domain c: more than 2 domains; give fewer"},
    {{"--domain", "domu.bin", "guest.bin"},
     "guest.bin: the guests are those of --domain; leave this image out"},
    {{"--domain", "domu.bin", "--", "word"}, ARGUMENTS},
    {{"--domain=a", "--record", "f"}, "--domain a" FILES},
    {{"--domain=a", "--restore", "f"}, "--domain a" FILES},
    {{"--domain=a", "--checkpoint-at", "5:f"}, "--domain a" FILES},
    {{"--domain=a", "--checkpoint-on", "USR1:f"}, "--domain a" FILES},
    {{"--domain=a", "--replay", "f"}, "--replay f: runs no domain; leave out --domain"},
    {{"--domain-console", "out", "guest.bin"},
     "--domain-console out: there is no domain; give one with --domain"},
    {{"--dom=a"}, "--dom=a: is this --domain or --domain-console? write the whole name"},
};

START_TEST(what_domains_cannot_be_is_refused_with_a_sentence)
{
    ck_assert_int_eq(parse(domain_cases[_i].words), -EINVAL);
    ck_assert_str_eq(error.text, domain_cases[_i].sentence);
}
END_TEST

START_TEST(options_may_follow_the_image)
{
    check_parsed(PARSE("--quiet", "guest.bin", "-m", "32", "-c2"));
    ck_assert_str_eq(options.image, "guest.bin");
    ck_assert(options.quiet);
    ck_assert_uint_eq(options.memory_size, 32 * MIB);
    ck_assert_uint_eq(options.vcpu_count, 2);
}
END_TEST

START_TEST(the_environment_does_not_change_the_order_of_words)
{
    setenv("POSIXLY_CORRECT", "1", 1);
    check_parsed(PARSE("guest.bin", "-m", "32"));
    unsetenv("POSIXLY_CORRECT");
    ck_assert_uint_eq(options.memory_size, 32 * MIB);
}
END_TEST

START_TEST(a_value_of_stats_is_never_the_next_word)
{
    check_parsed(PARSE("--stats", "json"));
    ck_assert_str_eq(options.image, "json");
    ck_assert(options.stats == MINIVMM_STATS_TABLE);
}
END_TEST

START_TEST(guest_arguments_behind_two_dashes_are_kept_as_they_are)
{
    static char *const words[] = {"-m", "--help", "--", "", "other.bin", "--nope"};

    check_parsed(PARSE("guest.bin", "-c2", "--", words[0], words[1], words[2], words[3], words[4],
                       words[5]));
    ck_assert_int_eq(options.action, OPTIONS_RUN);
    ck_assert_uint_eq(options.vcpu_count, 2);
    ck_assert_uint_eq(options.word_count, 6);
    for (int i = 0; i < COUNT(words); i++)
        ck_assert_ptr_eq(options.words[i], words[i]);
}
END_TEST

START_TEST(two_dashes_with_nothing_behind_give_no_arguments)
{
    check_parsed(PARSE("guest.bin", "--"));
    ck_assert_uint_eq(options.word_count, 0);
}
END_TEST

static const struct {
    char *words[4];
    enum options_action action;
} action_cases[] = {
    {{"--help"}, OPTIONS_HELP},
    {{"-h"}, OPTIONS_HELP},
    {{"--version"}, OPTIONS_VERSION},
    {{"-V"}, OPTIONS_VERSION},
    {{"--ver"}, OPTIONS_VERSION},
    {{"guest.bin", "--help"}, OPTIONS_HELP},
    {{"--help", "--nope"}, OPTIONS_HELP},
    {{"--version", "-m", "abc"}, OPTIONS_VERSION},
    {{"-hx"}, OPTIONS_HELP},
    {{"--help", "--version"}, OPTIONS_HELP},
    {{"--version", "--help"}, OPTIONS_VERSION},
};

START_TEST(help_and_version_win_over_what_follows)
{
    check_parsed(parse(action_cases[_i].words));
    ck_assert_int_eq(options.action, action_cases[_i].action);
}
END_TEST

START_TEST(an_error_before_help_is_told)
{
    ck_assert_int_eq(PARSE("--nope", "--help"), -EINVAL);
    ck_assert_str_eq(error.text, "--nope" UNKNOWN);
}
END_TEST

START_TEST(one_command_line_leaves_nothing_to_the_next)
{
    ck_assert_int_eq(PARSE("guest.bin", "-xm32", "--quiet"), -EINVAL);
    check_parsed(PARSE("next.bin", "--", "word"));
    ck_assert_str_eq(options.image, "next.bin");
    ck_assert(!options.quiet);
    ck_assert_uint_eq(options.memory_size, 0);
    ck_assert_uint_eq(options.word_count, 1);
}
END_TEST

START_TEST(help_names_every_option_and_every_status)
{
    static const char *const names[] = {"-m, --mem",    "-c, --cpus",   "--mode",  "--load",
                                        "--entry",      "--timeout",    "--quiet", "--stats",
                                        "--ptlcall",    "--debug-exit", "--out",   "-h, --help",
                                        "-V, --version"};
    int fd = memfd_create("help", MFD_CLOEXEC);
    char text[8192];
    ssize_t length;

    options_print_help(fd);
    length = pread(fd, text, sizeof(text) - 1, 0);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    close(fd);
    for (int i = 0; i < COUNT(names); i++)
        ck_assert_msg(strstr(text, names[i]) != NULL, "%s is not in the help", names[i]);
    for (unsigned outcome = MINIVMM_GUEST + 1; outcome < MINIVMM_OUTCOMES; outcome++) {
        char line[128];

        snprintf(line, sizeof(line), "  %-7d %s\n",
                 minivmm_exit_status((enum minivmm_outcome)outcome, 0),
                 minivmm_outcome_meaning((enum minivmm_outcome)outcome));
        ck_assert_msg(strstr(text, line) != NULL, "not in the help: %s", line);
    }
}
END_TEST

/* In --help the values that are files are words in capitals. */
static bool takes_file(const struct option_spec *spec)
{
    static const char *const words[] = {"FILE", "DIR", "PREFIX"};

    for (int i = 0; spec->value && i < COUNT(words); i++)
        if (strstr(spec->value, words[i]))
            return true;
    return false;
}

/* What (spec) needs of the host; 0 if it is not listed. */
static unsigned needs_of(const struct option_spec *spec)
{
    const struct option_needs *row = option_needs;

    while (row->option && strcmp(row->option, spec->name) != 0)
        row++;
    return row->needs;
}

START_TEST(an_option_that_names_files_declares_what_it_needs_of_the_host)
{
    unsigned listed = 0, found = 0;

    for (const struct option_needs *row = option_needs; row->option; row++) {
        ck_assert_msg(row->needs && row->needs >> HOST_NEEDS == 0, "--%s", row->option);
        listed++;
    }
    for (int i = 0; i < OPTION_SPECS; i++) {
        const struct option_spec *spec = &option_specs[i];

        ck_assert_msg(!takes_file(spec) || needs_of(spec), "--%s", spec->name);
        found += needs_of(spec) != 0;
    }
    ck_assert_uint_eq(found, listed);
}
END_TEST

Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");

    tcase_add_test(tcase, an_image_alone_gives_the_presets);
    tcase_add_test(tcase, devices_are_kept_in_the_order_given);
    tcase_add_test(tcase, an_option_that_names_files_declares_what_it_needs_of_the_host);
    tcase_add_test(tcase, too_many_devices_are_refused);
    tcase_add_test(tcase, device_help_needs_no_image);
    tcase_add_test(tcase, what_goes_with_an_image_is_kept);
    tcase_add_loop_test(tcase, an_option_sets_its_number, 0, COUNT(number_cases));
    tcase_add_loop_test(tcase, an_option_passes_its_text_through, 0, COUNT(text_cases));
    tcase_add_loop_test(tcase, a_size_is_in_mib_unless_it_says_else, 0, COUNT(sizes));
    tcase_add_loop_test(tcase, what_cannot_be_meant_is_refused_with_a_sentence, 0,
                        COUNT(refused_cases));
    tcase_add_test(tcase, a_second_image_is_told_where_guest_arguments_go);
    tcase_add_test(tcase, a_command_line_without_an_image_is_refused);
    tcase_add_test(tcase, domains_are_kept_in_the_order_given);
    tcase_add_loop_test(tcase, what_domains_cannot_be_is_refused_with_a_sentence, 0,
                        COUNT(domain_cases));
    tcase_add_test(tcase, options_may_follow_the_image);
    tcase_add_test(tcase, the_environment_does_not_change_the_order_of_words);
    tcase_add_test(tcase, a_value_of_stats_is_never_the_next_word);
    tcase_add_test(tcase, guest_arguments_behind_two_dashes_are_kept_as_they_are);
    tcase_add_test(tcase, two_dashes_with_nothing_behind_give_no_arguments);
    tcase_add_loop_test(tcase, help_and_version_win_over_what_follows, 0, COUNT(action_cases));
    tcase_add_test(tcase, an_error_before_help_is_told);
    tcase_add_test(tcase, one_command_line_leaves_nothing_to_the_next);
    tcase_add_test(tcase, help_names_every_option_and_every_status);
    suite_add_tcase(suite, tcase);
    return suite;
}
