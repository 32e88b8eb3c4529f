/* JSON that may be inside <script>: no byte of a string can end the element. */
#ifndef VMM_HTML_HTML_JSON_H
#define VMM_HTML_HTML_JSON_H

#include "vmm/base/text.h"

#include <stddef.h>
#include <stdint.h>

#define HTML_JSON_MAX ((UINT64_C(1) << 53) - 1) /* JavaScript's greatest exact integer */

/*
 * Append a string of (length) bytes. Bytes that are not plain ASCII, and < > & " \, become \u00NN
 * each: the page decodes the bytes as UTF-8.
 */
void html_json_string(struct text *text, const void *bytes, size_t length);

/* Append "NAME": in an object, after a comma unless it is the first member. */
void html_json_key(struct text *text, const char *name);

/* Append a number, at most HTML_JSON_MAX, after a comma unless it is the first element. */
void html_json_number(struct text *text, uint64_t number);

/* Append a comma, unless the text ends at the start of an object, an array or a value. */
void html_json_separate(struct text *text);

/* Append a member: a number, or a string. */
void html_json_add(struct text *text, const char *name, uint64_t number);
void html_json_add_text(struct text *text, const char *name, const struct text *value);

#endif
