/*
 * JSON that may stand inside <script>: no byte of a string can end the element.
 */
#ifndef VMM_HTML_HTML_JSON_H
#define VMM_HTML_HTML_JSON_H

#include "vmm/base/text.h"

#include <stddef.h>
#include <stdint.h>

#define HTML_JSON_MAX ((UINT64_C(1) << 53) - 1) /* JavaScript's last whole number without gaps */

/*
 * A string of (length) bytes. What is no plain ASCII, and < > & " \, becomes \u00NN, one for each
 * byte: the page takes these bytes for UTF-8.
 */
void html_json_string(struct text *text, const void *bytes, size_t length);

/* "NAME": in an object; a comma before it if the object has something already. */
void html_json_key(struct text *text, const char *name);

/* A number, at most HTML_JSON_MAX, and a comma before it if something is there to be separated. */
void html_json_number(struct text *text, uint64_t number);

/* A comma, unless the text ends with what begins an object, an array or a value. */
void html_json_separate(struct text *text);

/* A key with a number, or with a string. */
void html_json_add(struct text *text, const char *name, uint64_t number);
void html_json_add_text(struct text *text, const char *name, const struct text *value);

#endif
