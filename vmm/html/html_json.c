#include "vmm/html/html_json.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(unsigned char byte)
{
    return byte >= ' ' && byte <= '~' && !strchr("<>&\"\\", byte);
}

void html_json_string(struct text *text, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;

    text_append(text, "\"", 1);
    for (size_t i = 0; i < length;) {
        size_t plain = i;
        char escape[] = "\\u00NN";

        while (plain < length && is_plain(from[plain]))
            plain++;
        text_append(text, from + i, plain - i);
        i = plain;
        if (i == length)
            break;
        escape[4] = digits[from[i] >> 4];
        escape[5] = digits[from[i] & 0xf];
        text_append(text, escape, sizeof(escape) - 1);
        i++;
    }
    text_append(text, "\"", 1);
}

void html_json_separate(struct text *text)
{
    if (text->used && !strchr("{[:,", text->bytes[text->used - 1]))
        text_append(text, ",", 1);
}

void html_json_key(struct text *text, const char *name)
{
    html_json_separate(text);
    text_append(text, "\"", 1);
    text_append_string(text, name);
    text_append(text, "\":", 2);
}

void html_json_number(struct text *text, uint64_t number)
{
    html_json_separate(text);
    text_append_decimal(text, number < HTML_JSON_MAX ? number : HTML_JSON_MAX);
}

void html_json_add(struct text *text, const char *name, uint64_t number)
{
    html_json_key(text, name);
    html_json_number(text, number);
}

void html_json_add_text(struct text *text, const char *name, const struct text *value)
{
    html_json_key(text, name);
    html_json_string(text, value->bytes, value->used);
}
