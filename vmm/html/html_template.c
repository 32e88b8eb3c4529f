#include "vmm/html/html_template.h"

#include <stddef.h>
#include <string.h>

/* A file of vmm/html/page/ as bytes (name), with its length in NAME_size. make runs in the top folder. */
#define EMBED(name, file)                                                                          \
    __asm__(".pushsection .rodata\n"                                                               \
            ".balign 8\n" #name "_size: .quad 2f - 1f\n" #name ":\n"                               \
            "1: .incbin \"vmm/html/page/" file "\"\n"                                              \
            "2: .byte 0\n"                                                                         \
            ".popsection");                                                                        \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    extern const size_t name##_size __attribute__((visibility("hidden")))

EMBED(html_template_html, "page.html");
EMBED(html_template_style, "page.css");
EMBED(html_template_data, "data.js");
EMBED(html_template_timeline, "timeline.js");
EMBED(html_template_tables, "tables.js");

struct part {
    const char *name; /* page.html has {{NAME}} in its place */
    const char *bytes;
    const size_t *length;
};

/* Append (text) up to (mark), or its end. */
static const char *find(const char *text, const char *end, const char *mark)
{
    const char *found = memmem(text, (size_t)(end - text), mark, strlen(mark));

    return found ? found : end;
}

static void write_part(const struct part *parts, size_t count, const char *name, size_t length,
                       struct text *html)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0)
            text_append(html, parts[i].bytes, *parts[i].length);
}

void html_template_fill(const struct text *data, const char *nonce, struct text *html)
{
    const size_t nonce_length = strlen(nonce);
    const struct part parts[] = {
        {"style", html_template_style, &html_template_style_size},
        {"data.js", html_template_data, &html_template_data_size},
        {"timeline.js", html_template_timeline, &html_template_timeline_size},
        {"tables.js", html_template_tables, &html_template_tables_size},
        {"data", data->bytes, &data->used},
        {"nonce", nonce, &nonce_length},
    };
    const char *at = html_template_html;
    const char *end = at + html_template_html_size;

    while (at < end) {
        const char *open = find(at, end, "{{");
        const char *close = find(open, end, "}}");

        text_append(html, at, (size_t)(open - at));
        if (close == end)
            break;
        write_part(parts, sizeof(parts) / sizeof(parts[0]), open + 2, (size_t)(close - open - 2),
                   html);
        at = close + 2;
    }
    html->failed |= data->failed;
}
